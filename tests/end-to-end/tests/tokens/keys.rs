//! The issuer's keys: fetched, rotated, away, and lied about.
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{KeyHost, Reply, World, good, issuer, jwks, token};

fn configuration(issuers: &[Value]) -> Value {
    json!({ "issuers": issuers, "routes": [{ "match": { "prefix": "/orders" } }] })
}

/// Nobody has asked before, and the issuer takes its time: the request waits and is served.
#[test]
fn the_first_request_waits_for_the_keys() {
    let late = Reply::Late(Duration::from_millis(1_500), jwks(&["idp-ec"]));
    let host = KeyHost::start(late);
    let world = World::start(&configuration(&[issuer()]), &[&host]);
    let answers = thread::scope(|scope| {
        let ask = || scope.spawn(|| world.send("/orders", &token("idp-ec", json!({}))));
        let asking: Vec<_> = (0..20).map(|_| ask()).collect();
        asking.into_iter().map(|asking| asking.join().expect("an answer").status).collect::<Vec<_>>()
    });
    assert_eq!(answers, vec![200; 20], "{}", world.envoy.process.log());
    assert_eq!(host.asked(), 1, "one fetch for all");
}

/// The issuer signs with a new key: it is fetched when it is first seen, once for all requests, and
/// whoever invents keys or goes away does not keep it from coming.
#[test]
fn a_new_key_is_fetched_without_a_restart() {
    let host = KeyHost::start(good(&["idp-ec"]));
    let world = World::start(&configuration(&[issuer()]), &[&host]);
    let old = token("idp-ec", json!({}));
    world.await_status(&old, 200, 503);
    let (status, reason) = world.verdict(&token("other-client-ec", json!({})));
    assert_eq!((status, reason.as_str()), (401, "jose.kid.unknown"));

    host.set(Reply::Late(Duration::from_millis(500), jwks(&["unknown-ec"])));
    thread::sleep(Duration::from_millis(2_100));
    let before = host.asked();
    let new = token("unknown-ec", json!({}));
    // A client that asks and goes away.
    {
        use std::io::Write as _;
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", world.origin.port)).expect("Envoy");
        let request = format!("GET /orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {new}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
    }
    let answers = thread::scope(|scope| {
        let asking: Vec<_> = (0..20).map(|_| scope.spawn(|| world.send("/orders", &new))).collect();
        asking.into_iter().map(|asking| asking.join().expect("an answer").status).collect::<Vec<_>>()
    });
    assert_eq!(answers, vec![200; 20], "{}", world.envoy.process.log());
    assert_eq!(host.asked(), before + 1, "one fetch for all");
    // The old key is gone with its set, from the cache of tokens too.
    let answer = world.send("/orders", &old);
    assert_eq!(answer.status, 401, "{}", answer.text());
    assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
}

/// Whatever else comes in place of keys, there are none: 503, and never 401 or 200.
#[test]
fn lies_are_no_keys() {
    let set = jwks(&["idp-ec"]);
    let private = set.replacen(r#"{"keys":[{"#, r#"{"keys":[{"d":"AAAA","#, 1);
    assert_ne!(private, set);
    let host = KeyHost::start(Reply::Close);
    let mut issuer = issuer();
    issuer["jwks"]["timeout_milliseconds"] = json!(1_000);
    let world = World::start(&configuration(&[issuer]), &[&host]);
    let token = token("idp-ec", json!({}));
    for lie in [
        Reply::Close,
        Reply::Answer(503, "max-age=600", set.clone()),
        Reply::Answer(302, "max-age=600", set.clone()),
        Reply::Answer(200, "max-age=600", "<html><body>Please log in</body></html>".into()),
        Reply::Answer(200, "max-age=600", format!("{set}{}", " ".repeat(70_000))),
        Reply::Answer(200, "max-age=600", r#"{"keys":[]}"#.into()),
        Reply::Answer(200, "max-age=600", private),
        Reply::Late(Duration::from_secs(10), set),
    ] {
        host.set(lie);
        let before = host.asked();
        // Until it was told the lie once more.
        while host.asked() == before {
            let (status, reason) = world.verdict(&token);
            assert_eq!((status, reason.as_str()), (503, "token.keys.unavailable"));
            thread::sleep(Duration::from_millis(200));
        }
        let (status, reason) = world.verdict(&token);
        assert_eq!((status, reason.as_str()), (503, "token.keys.unavailable"));
    }
    host.set(good(&["idp-ec"]));
    world.await_status(&token, 200, 503);
}

/// Keys are used while the issuer is away, for as long as was allowed; then 503 and never 401.
#[test]
fn stale_keys_are_used_for_a_while() {
    let fresh = || Reply::Answer(200, "public, max-age=1", jwks(&["idp-ec"]));
    let host = KeyHost::start(fresh());
    let mut issuer = issuer();
    issuer["jwks"]["max_stale_seconds"] = json!(6);
    issuer["jwks"]["timeout_milliseconds"] = json!(3_000);
    let world = World::start(&configuration(&[issuer]), &[&host]);
    let token = token("idp-ec", json!({}));
    world.await_status(&token, 200, 503);
    // `max-age` is obeyed: it is asked again and again.
    let before = host.asked();
    while host.asked() < before + 2 {
        assert_eq!(world.verdict(&token).0, 200);
        thread::sleep(Duration::from_millis(100));
    }
    host.set(Reply::Close);
    let failed = host.asked();
    while host.asked() == failed {
        assert_eq!(world.verdict(&token).0, 200);
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(world.verdict(&token).0, 200, "the issuer is away, its keys are good");
    world.await_status(&token, 503, 200);
    host.set(fresh());
    world.await_status(&token, 200, 503);
}

/// `iss` chooses the issuer, and that issuer's keys alone are good.
#[test]
fn an_issuer_is_bound_to_its_keys() {
    const OTHER: &str = "https://other.example.com";
    let (one, two) = (KeyHost::start(good(&["idp-ec"])), KeyHost::start(good(&["client-ec"])));
    let mut other = issuer();
    other["issuer"] = json!(OTHER);
    other["audiences"] = json!(["https://other-api.example.com"]);
    other["jwks"]["cluster"] = json!("keys-1");
    let world = World::start(&configuration(&[issuer(), other]), &[&one, &two]);
    world.await_status(&token("idp-ec", json!({})), 200, 503);
    let of_other = json!({ "iss": OTHER, "aud": "https://other-api.example.com" });
    world.await_status(&token("client-ec", of_other.clone()), 200, 503);
    for (what, token, code) in [
        ("another issuer's key", token("client-ec", json!({})), "jose.kid.unknown"),
        ("the other way round", token("idp-ec", of_other), "jose.kid.unknown"),
        ("another issuer's audience", token("client-ec", json!({ "iss": OTHER })), "token.audience.mismatch"),
        ("nobody's issuer", token("idp-ec", json!({ "iss": "https://x.example" })), "token.issuer.mismatch"),
        ("a prefix", token("idp-ec", json!({ "iss": "https://idp.example.com/" })), "token.issuer.mismatch"),
    ] {
        assert_eq!(world.verdict(&token), (401, code.to_owned()), "{what}");
    }
}

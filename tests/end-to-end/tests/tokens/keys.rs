//! The issuer's keys: fetched, rotated, away, and lied about.
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::world::{ISSUER, KeyHost, Reply, World, good, issuer, jwks, token};

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
    assert_eq!(answers, vec![200; 20], "{}", world.proxy.log());
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
    assert_eq!(answers, vec![200; 20], "{}", world.proxy.log());
    assert_eq!(host.asked(), before + 1, "one fetch for all");
    // The old key is gone with its set, from the cache of tokens too.
    let answer = world.send("/orders", &old);
    assert_eq!(answer.status, 401, "{}", answer.text());
    assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
}

/// Whatever else comes in place of keys, there are none: 503, and never 401 or 200. Each issuer has
/// a lie of its own.
#[test]
fn lies_are_no_keys() {
    let set = jwks(&["idp-ec"]);
    let private = set.replacen(r#"{"keys":[{"#, r#"{"keys":[{"d":"AAAA","#, 1);
    assert_ne!(private, set);
    let answer = |body: &str| Reply::Answer(200, "max-age=600", body.to_owned());
    let lies = [
        Reply::Close,
        Reply::Half(set.clone()),
        Reply::Answer(503, "max-age=600", set.clone()),
        Reply::Answer(302, "max-age=600", set.clone()),
        Reply::Answer(404, "max-age=600", set.clone()),
        answer("<html><body>Please log in</body></html>"),
        answer("\u{0}\u{1}\u{2}\u{3}"),
        answer(""),
        answer(&set[..set.len() - 2]),
        answer(&format!("{set}{}", " ".repeat(70_000))),
        answer(&"[".repeat(60_000)),
        answer(r#"{"keys":[]}"#),
        answer(&private),
        Reply::Late(Duration::from_secs(3), set),
    ];
    let hosts: Vec<KeyHost> = lies.into_iter().map(KeyHost::start).chain([KeyHost::absent()]).collect();
    let name = |number: usize| format!("{ISSUER}/{number}");
    let issuers: Vec<Value> = (0..hosts.len())
        .map(|number| {
            let mut issuer = issuer();
            issuer["issuer"] = json!(name(number));
            issuer["jwks"]["cluster"] = json!(format!("keys-{number}"));
            issuer["jwks"]["timeout_milliseconds"] = json!(500);
            issuer
        })
        .collect();
    let world = World::start(&configuration(&issuers), &hosts.iter().collect::<Vec<_>>());
    let token = |number: usize| token("idp-ec", json!({ "iss": name(number) }));
    let tokens: Vec<String> = (0..hosts.len()).map(token).collect();
    let ask = |token: &str| world.send("/orders", token).status;
    let ask = &ask;
    let ask_all = || {
        thread::scope(|scope| {
            let asking: Vec<_> = tokens.iter().map(|token| scope.spawn(move || ask(token))).collect();
            asking.into_iter().map(|asking| asking.join().expect("an answer")).collect::<Vec<_>>()
        })
    };
    // Until each was told its lie twice. Nobody listens where the last one is.
    let (told, absent) = hosts.split_at(hosts.len() - 1);
    while told.iter().any(|host| host.asked() < 2) {
        assert_eq!(ask_all(), vec![503; hosts.len()]);
    }
    assert_eq!(absent[0].asked(), 0);
    world.proxy.logged_with("token.keys.unavailable");
    assert!(world.upstream.take().is_empty(), "nothing passed");
    told.iter().for_each(|host| host.set(good(&["idp-ec"])));
    let begun = Instant::now();
    loop {
        let mut statuses = ask_all();
        assert_eq!(statuses.pop(), Some(503));
        assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
        if statuses.iter().all(|status| *status == 200) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{statuses:?}:\n{}", world.proxy.log());
        thread::sleep(Duration::from_millis(200));
    }
}

/// Another issuer's keys in place of the issuer's own: the issuer's tokens are refused, and what
/// those keys signed for the other one is not accepted either.
#[test]
fn keys_of_another_are_good_for_nothing_of_his() {
    let host = KeyHost::start(good(&["idp-ec"]));
    let world = World::start(&configuration(&[issuer()]), &[&host]);
    world.await_status(&token("idp-ec", json!({})), 200, 503);
    host.set(good(&["client-ec"]));
    thread::sleep(Duration::from_millis(2_100));
    // An unknown key id asks for a fetch; what comes replaces what was there.
    world.send("/orders", &token("unknown-ec", json!({})));
    let own = world.verdict(&token("idp-ec", json!({ "jti": "another" })));
    assert_eq!(own, (401, "jose.kid.unknown".to_owned()));
    let others = json!({ "iss": "https://other.example.com" });
    let verdict = world.verdict(&token("client-ec", others));
    assert_eq!(verdict, (401, "token.issuer.mismatch".to_owned()));
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

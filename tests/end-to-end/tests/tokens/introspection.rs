//! Tokens that are no JWT: the issuer is asked, seldom, and believed only when it says something.
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_end_to_end::wire::Answer;
use serde_json::{Value, json};

use crate::asked::{AskedHost, CLIENT, JSON, SECRET, Said, active, asked_issuer, configuration, members};
use crate::world::{KeyHost, Setup, Until, World, good, issuer, token, unanswered};

const INVALID: &str = "Bearer error=\"invalid_token\"";

fn together(world: &World, token: &str, many: usize) -> Vec<u16> {
    thread::scope(|scope| {
        let asking: Vec<_> = (0..many).map(|_| scope.spawn(|| world.send("/orders", token))).collect();
        asking.into_iter().map(|asking| asking.join().expect("an answer").status).collect()
    })
}

fn challenge(answer: &Answer) -> (u16, Option<&str>) {
    (answer.status, answer.header("www-authenticate"))
}

/// Twenty at once bring the same token: one question, exactly as RFC 7662 and RFC 6749 write it. Its
/// answer is as good as a signed token's claims.
#[test]
fn a_token_is_asked_about_once() {
    let host = AskedHost::start();
    let world = World::start(&configuration(asked_issuer(json!({}))), &[&host.host]);
    let token = "2YotnFZFEjr1zCsicMWpAA+/~.==";
    host.say(token, Said::Late(Duration::from_millis(700), members(json!({ "sub": "Zoë" }))));
    assert_eq!(together(&world, token, 20), vec![200; 20], "{}", world.proxy.log());
    let asked = host.take();
    assert_eq!(asked.len(), 1, "one question for all");
    assert_eq!(asked[0].start_line(), "POST /oauth2/introspect HTTP/1.1");
    let headers = asked[0].headers();
    let header =
        |name: &str| headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    assert_eq!(header("host"), Some("idp.example.com"));
    assert_eq!(header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(header("accept"), Some("application/json"));
    let form = url::form_urlencoded::byte_serialize;
    let encode = |text: &str| form(text.as_bytes()).collect::<String>().replace('+', "%20");
    let credentials = format!("{}:{}", encode(CLIENT), encode(SECRET));
    assert_eq!(header("authorization"), Some(&*format!("Basic {}", STANDARD.encode(credentials))));
    let body = String::from_utf8_lossy(&asked[0].body).into_owned();
    assert_eq!(body, "token=2YotnFZFEjr1zCsicMWpAA%2B%2F~.%3D%3D&token_type_hint=access_token");

    let (answer, _, reached) = world.ask("/orders", token);
    assert_eq!((answer.status, host.asked()), (200, 0), "it is known");
    let headers = reached[0].headers();
    let subjects: Vec<_> = headers.iter().filter(|(name, _)| name == "x-postern-subject").collect();
    assert_eq!(subjects, [&("x-postern-subject".to_owned(), "Zo%C3%AB".to_owned())]);
    let (answer, reason, _) = world.ask("/orders", "another");
    assert_eq!((challenge(&answer), reason.as_str()), ((401, Some(INVALID)), "token.introspection.inactive"));
}

/// What is known is known for a while, and for no longer than the token is good. Then it is asked about
/// again, and a token that was revoked is refused.
#[test]
fn an_answer_is_good_for_a_while() {
    let host = AskedHost::start();
    let settings = json!({ "max_cache_seconds": 3, "refused_cache_seconds": 2 });
    let world = World::start(&configuration(asked_issuer(settings)), &[&host.host]);
    let now = members(json!({}))["iat"].as_u64().expect("a time") + 10;
    host.say("long", active(json!({})));
    host.say("short", active(json!({ "exp": now + 2 })));
    // The clocks of both may differ, by 30 seconds.
    let await_asked = |token: &str, times: usize, status: u16| {
        let begun = Instant::now();
        while host.asked_about(token) < times {
            assert_eq!(world.send("/orders", token).status, status);
            assert!(begun.elapsed() < Duration::from_secs(60), "{token} is never asked about again");
            thread::sleep(Duration::from_millis(50));
        }
    };
    await_asked("long", 2, 200);
    await_asked("short", 2, 200);
    host.say("long", Said::Answer(200, JSON, r#"{"active":false}"#.into()));
    let before = host.asked_about("long");
    let begun = Instant::now();
    while world.send("/orders", "long").status == 200 {
        assert!(begun.elapsed() < Duration::from_secs(60), "what is revoked stays good");
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(host.asked_about("long"), before + 1);
    assert_eq!(world.verdict("long"), (401, "token.introspection.inactive".into()));
    await_asked("long", before + 2, 401);
}

/// Whatever is no answer says nothing about a token: 503, and never 401 or 200. When the issuer is back,
/// so is the token.
#[test]
fn lies_say_nothing_about_a_token() {
    let host = AskedHost::start();
    let settings = json!({ "timeout_milliseconds": 1000, "concurrent_calls": 64 });
    let world = World::start(&configuration(asked_issuer(settings)), &[&host.host]);
    let body = members(json!({})).to_string();
    let answer = |head: &'static str, body: &str| Said::Answer(200, head, body.to_owned());
    let json = |body: &str| answer(JSON, body);
    let twice = body.replacen('{', r#"{"active":false,"#, 1);
    assert!(twice.contains(r#""active":true"#));
    let lies: Vec<(Said, &str)> = vec![
        (Said::Close, unanswered()),
        (Said::Half(body.clone()), "token.introspection.unreachable"),
        (Said::Late(Duration::from_secs(4), members(json!({}))), unanswered()),
        (Said::Answer(500, JSON, body.clone()), "token.introspection.status"),
        (Said::Answer(503, JSON, r#"{"active":false}"#.into()), "token.introspection.status"),
        (Said::Answer(401, JSON, r#"{"error":"invalid_client"}"#.into()), "token.introspection.status"),
        (
            Said::Answer(302, "location: /login\r\ncontent-type: application/json\r\n", body.clone()),
            "token.introspection.status",
        ),
        (answer("content-type: text/html\r\n", &body), "token.introspection.content-type"),
        (answer("", &body), "token.introspection.content-type"),
        (
            answer("content-type: application/token-introspection+jwt\r\n", &body),
            "token.introspection.content-type",
        ),
        (json("<html><body>Please log in</body></html>"), "json.malformed"),
        (json(""), "json.malformed"),
        (json(&body[..body.len() - 1]), "json.malformed"),
        (json(&format!("{body}{body}")), "json.malformed"),
        (json(&format!("[{body}]")), "json.not-object"),
        (json(&"[".repeat(20_000)), "json.too-deep"),
        (json(&twice), "json.duplicate-member"),
        (json("{}"), "token.introspection.active"),
        (json(&body.replace(r#""active":true"#, r#""active":"true""#)), "token.introspection.active"),
        (json(&body.replace(r#""active":true"#, r#""active":1"#)), "token.introspection.active"),
        (json(&body.replace(r#""active":true"#, r#""active":null"#)), "token.introspection.active"),
        (json(&format!("{body}{}", " ".repeat(40_000))), "token.introspection.too-long"),
        (json(&format!("{body}{}", " ".repeat(90_000))), "token.introspection.unreachable"),
    ];
    for (number, (lie, _)) in lies.iter().enumerate() {
        host.say(&format!("lie-{number}"), lie.clone());
    }
    for (number, (_, code)) in lies.iter().enumerate() {
        let (answer, reason, reached) = world.ask("/orders", &format!("lie-{number}"));
        assert_eq!(
            (challenge(&answer), reason.as_str(), reached.len()),
            ((503, None), *code, 0),
            "lie {number}"
        );
    }
    for number in 0..lies.len() {
        host.say(&format!("lie-{number}"), active(json!({})));
    }
    for number in 0..lies.len() {
        world.await_status(&format!("lie-{number}"), 200, 503);
    }
    let log = world.proxy.log();
    assert!(!log.contains(SECRET) && !log.contains("s3cret") && !log.contains("lie-"), "{log}");
}

/// Nobody is there: 503.
#[test]
fn an_issuer_that_is_away_says_nothing() {
    let host = AskedHost::absent();
    let world = World::start(&configuration(asked_issuer(json!({}))), &[&host.host]);
    assert_eq!(world.verdict("opaque"), (503, unanswered().into()));
    let mut elsewhere = asked_issuer(json!({ "cluster": "nowhere" }));
    elsewhere["issuer"] = json!("https://elsewhere.example.com");
    let world = World::start(&configuration(elsewhere), &[&host.host]);
    assert_eq!(world.verdict("opaque"), (503, "token.introspection.unreachable".into()));
}

/// Whoever invents tokens makes the issuer work no more often than was allowed, drives no good token
/// out, and keeps none from being asked about again.
#[test]
fn invented_tokens_cost_the_issuer_little() {
    let host = AskedHost::start();
    let settings = json!({ "client_calls_per_minute": 30, "max_cache_seconds": 1 });
    let world = World::start(&configuration(asked_issuer(settings)), &[&host.host]);
    host.say("good", active(json!({})));
    assert_eq!(world.send("/orders", "good").status, 200);
    let is_over = AtomicBool::new(false);
    let (mut refused, mut late) = (0, 0);
    thread::scope(|scope| {
        let (world, is_over, over) = (&world, &is_over, Until(&is_over));
        let attackers: Vec<_> = (0..4)
            .map(|attacker| {
                scope.spawn(move || {
                    let mut statuses = Vec::new();
                    while !is_over.load(Ordering::SeqCst) {
                        let token = format!("invented-{attacker}-{}", statuses.len());
                        statuses.push(world.send("/orders", &token).status);
                    }
                    statuses
                })
            })
            .collect();
        // The good one is asked about again and again, each second.
        let begun = Instant::now();
        while host.asked_about("good") < 4 {
            assert_eq!(world.send("/orders", "good").status, 200);
            assert!(begun.elapsed() < Duration::from_secs(60), "it is not asked about again");
            thread::sleep(Duration::from_millis(20));
        }
        drop(over);
        for attacker in attackers {
            let statuses = attacker.join().expect("no panic");
            assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
            refused += statuses.iter().filter(|status| **status == 401).count();
            late += statuses.iter().filter(|status| **status == 429).count();
        }
    });
    let about_good = host.asked_about("good");
    let invented = host.asked() - about_good;
    // 30 at once, and one each two seconds for as long as the test may take.
    assert!((1..=60).contains(&invented) && invented == refused, "{invented} questions, {refused} answers");
    assert!(late > 100, "{late}");
    world.proxy.logged_with("token.introspection.client-rate");
}

/// Many clients together can't either: beyond the rate it is 503 and no question.
#[test]
fn all_clients_together_have_a_rate() {
    let host = AskedHost::start();
    let settings = json!({ "calls_per_second": 1, "concurrent_calls": 2, "timeout_milliseconds": 3000 });
    let world = World::start(&configuration(asked_issuer(settings)), &[&host.host]);
    let mut seen = Vec::new();
    for number in 0..20 {
        seen.push(world.verdict(&format!("invented-{number}")));
    }
    let over = (503, "token.introspection.rate".to_owned());
    assert!(seen.iter().all(|verdict| verdict.0 == 401 || *verdict == over), "{seen:?}");
    assert!(seen.contains(&over) && seen[0].0 == 401, "{seen:?}");
    assert_eq!(host.asked(), seen.iter().filter(|verdict| verdict.0 == 401).count());
}

/// Clients that go away while their token is being asked about take nothing from the others.
#[test]
fn two_hundred_leave_and_the_others_are_served() {
    let host = AskedHost::start();
    let settings = json!({ "timeout_milliseconds": 20_000 });
    let mut world = World::start(&configuration(asked_issuer(settings)), &[&host.host]);
    host.say("opaque", Said::Late(Duration::from_secs(3), members(json!({}))));
    let request = "GET /orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer opaque\r\n\r\n";
    let leaving: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", world.origin.port)).expect("Envoy");
            stream.write_all(request.as_bytes()).expect("sent");
            stream
        })
        .collect();
    thread::sleep(Duration::from_millis(700));
    drop(leaving);
    thread::sleep(Duration::from_millis(300));
    assert_eq!(together(&world, "opaque", 100), vec![200; 100], "{}", world.proxy.log());
    assert_eq!((host.asked(), world.upstream.take().len()), (1, 100), "nobody who left was served");
    assert!(world.proxy.is_running());
    let log = world.proxy.log();
    assert!(!log.contains("Uncaught") && !log.contains("panicked"), "{log}");
}

/// Each worker asks for itself, once.
#[test]
fn each_worker_asks_once() {
    let host = AskedHost::start();
    let setup = Setup { workers: 4, ..Setup::default() };
    let world = World::start_with(&configuration(asked_issuer(json!({}))), &[&host.host], setup);
    host.say("opaque", Said::Late(Duration::from_millis(500), members(json!({}))));
    assert_eq!(together(&world, "opaque", 64), vec![200; 64], "{}", world.proxy.log());
    assert!((1..=4).contains(&host.asked()), "{} questions", host.asked());
}

/// A JWT is judged by the issuer's keys and shown to nobody; everything else is asked about. Where the
/// issuer has no keys here, it is asked about its own JWTs, and about nobody else's.
#[test]
fn a_token_is_shown_to_its_issuer_alone() {
    const OTHER: &str = "https://other.example.com";
    let (asked, keys) = (AskedHost::start(), KeyHost::start(good(&["idp-ec"])));
    let mut both = issuer();
    both["jwks"]["cluster"] = json!("keys-1");
    both["introspection"] = asked_issuer(json!({}))["introspection"].clone();
    let mut only = asked_issuer(json!({ "path": "/other" }));
    only["issuer"] = json!(OTHER);
    let configuration = json!({
        "issuers": [both, only],
        "routes": [
            { "match": { "prefix": "/orders" }, "issuers": ["https://idp.example.com"] },
            { "match": { "prefix": "/other" }, "issuers": [OTHER] },
        ],
    });
    let world = World::start(&configuration, &[&asked.host, &keys]);
    let jwt = token("idp-ec", json!({}));
    world.await_status(&jwt, 200, 503);
    assert_eq!(asked.asked(), 0, "a JWT is judged by keys");
    for opaque in ["opaque", "a.b", "a.b.c.d.e"] {
        asked.say(opaque, active(json!({})));
        assert_eq!(world.verdict(opaque).0, 200, "{opaque}");
        assert_eq!(asked.asked_about(opaque), 1);
    }
    asked.take();
    // At the other one's route the JWT is nobody's question, his own is.
    let verdict = |path: &str, token: &str| {
        let (answer, reason, _) = world.ask(path, token);
        (answer.status, reason)
    };
    assert_eq!(verdict("/other", &jwt), (401, "token.issuer.mismatch".into()));
    assert_eq!(asked.asked(), 0);
    let own = token("client-ec", json!({ "iss": OTHER, "jti": "2" }));
    assert_eq!(verdict("/other", &own), (401, "token.introspection.inactive".into()));
    assert_eq!(asked.take()[0].start_line(), "POST /other HTTP/1.1");
    let own = token("client-ec", json!({ "iss": OTHER }));
    asked.say(&own, active(json!({ "iss": OTHER })));
    assert_eq!(verdict("/other", &own).0, 200);
    // What the answer says of another issuer counts, not who was asked.
    asked.say("opaque-2", active(json!({})));
    assert_eq!(verdict("/other", "opaque-2"), (401, "token.issuer.mismatch".into()));
}

/// The other ways for the proxy to say who asks.
#[test]
fn the_client_proves_itself_as_it_is_registered() {
    let asked = |settings: Value| {
        let host = AskedHost::start();
        let world = World::start(&configuration(asked_issuer(settings)), &[&host.host]);
        host.say("opaque", active(json!({})));
        assert_eq!(world.verdict("opaque").0, 200);
        let message = host.take().remove(0);
        assert!(message.headers().iter().all(|(name, _)| name != "authorization"));
        String::from_utf8_lossy(&message.body).into_owned()
    };
    assert_eq!(
        asked(json!({ "authentication": "post" })),
        "token=opaque&token_type_hint=access_token&client_id=the%20edge\
         &client_secret=s3cret%20%26%3D%25%2B%3A%2F%3F"
    );
    let by_certificate = json!({ "authentication": "tls", "client_secret": null });
    assert_eq!(asked(by_certificate), "token=opaque&token_type_hint=access_token&client_id=the%20edge");
}

//! The VM dies in the middle of the traffic.
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use postern_end_to_end::proxy::Proxy;
use postern_end_to_end::tools;
use serde_json::json;

use crate::world::{KeyHost, Reply, Setup, Until, World, good, issuer, proof, token};

const ORIGIN: &str = "https://api.example.com";

/// Nothing passes unjudged while it is dead, and what was in shared data is there when it lives
/// again: keys, with their issuer away, and the proofs that came before.
#[test]
fn a_trap_opens_nothing_and_forgets_nothing() {
    let host = KeyHost::start(good(&["idp-ec"]));
    let configuration = json!({
        "issuers": [issuer()],
        "routes": [{ "match": { "prefix": "/orders" } }],
        "dpop": { "origins": [ORIGIN], "max_age_seconds": 300 },
    });
    let filter = tools::target().join("postern/guests/trapping-filter.wasm");
    let filter = tools::existing(filter, "cargo xtask build --only filters");
    let mut world = World::start_with(&configuration, &[&host], Setup { filter, ..Setup::default() });
    let good = token("idp-ec", json!({}));
    world.await_status(&good, 200, 503);
    let (bound, proof) = proof("client-ec", &format!("{ORIGIN}/orders"), json!({}));
    let with_proof =
        || world.send_with("/orders", &[("authorization", &format!("DPoP {bound}")), ("dpop", &proof)]);
    assert_eq!(with_proof().status, 200, "{}", world.proxy.log());
    assert_eq!(with_proof().status, 401, "the same proof");
    // What the request gets in which the VM dies.
    let dead = match world.proxy {
        Proxy::Envoy(_) => 503,
        Proxy::Nginx(_) => 500,
    };
    host.set(Reply::Close);
    let asked = host.asked();
    world.upstream.take();

    let is_over = AtomicBool::new(false);
    let mut statuses = BTreeSet::new();
    thread::scope(|scope| {
        let loads: Vec<_> = ["a.b.c", &good, ""]
            .into_iter()
            .map(|token| {
                let (world, is_over) = (&world, &is_over);
                scope.spawn(move || {
                    let mut seen = BTreeSet::new();
                    while !is_over.load(Ordering::SeqCst) {
                        let credentials = format!("Bearer {token}");
                        let headers = [("authorization", credentials.as_str())];
                        // An answer that is under way when the VM dies is cut off: 0.
                        let answer = world.try_send(&world.origin, "/orders", &headers);
                        seen.insert((token, answer.map_or(0, |answer| answer.status)));
                        thread::sleep(Duration::from_millis(5));
                    }
                    seen
                })
            })
            .collect();
        let over = Until(&is_over);
        for _ in 0..3 {
            // Neither with a token, nor past the filter: a path that needs none.
            let answer = world.try_send(&world.origin, "/free", &[("x-trap", "now")]);
            assert!(answer.is_err() || answer.is_ok_and(|answer| [dead, 503].contains(&answer.status)));
            let begun = Instant::now();
            let served = || {
                let credentials = format!("Bearer {good}");
                let answer = world.try_send(&world.origin, "/orders", &[("authorization", &credentials)]);
                answer.is_ok_and(|answer| answer.status == 200)
            };
            while !served() {
                assert!(begun.elapsed() < Duration::from_secs(30), "{}", world.proxy.log());
                thread::sleep(Duration::from_millis(20));
            }
        }
        drop(over);
        for load in loads {
            statuses.extend(load.join().expect("no panic"));
        }
    });
    let log = world.proxy.log();
    assert!(log.contains("unreachable"), "it trapped:\n{log}");
    for (token, status) in &statuses {
        let fine: &[u16] = if *token == good { &[0, dead, 200, 503] } else { &[0, dead, 400, 401, 503] };
        assert!(fine.contains(status), "{status} for {token:?}:\n{log}");
    }
    assert!(
        statuses.contains(&(good.as_str(), 200)) && statuses.contains(&(good.as_str(), 503)),
        "{statuses:?}"
    );
    let credentials = format!("Bearer {good}");
    for message in world.upstream.take() {
        let is_judged =
            message.headers().iter().any(|(name, value)| name == "authorization" && *value == credentials);
        assert!(is_judged, "unjudged upstream: {}", message.start_line());
    }
    assert_eq!(with_proof().status, 401, "the same proof, after the reload");
    assert_eq!(host.asked(), asked, "the keys were there");
    assert!(world.proxy.is_running());
}

//! Configurations that change under load.
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use postern_end_to_end::proxy::Proxy;
use serde_json::{Value, json};

use crate::world::{KeyHost, Setup, Until, World, good, issuer, token};

fn configuration(scope: &str) -> Value {
    json!({
        "issuers": [issuer()],
        "routes": [{ "match": { "prefix": "/orders" }, "scopes": [scope] }],
    })
}

/// Good configurations take over, bad ones are refused and change nothing, and no request is
/// without a filter in between.
#[test]
fn no_request_falls_between_two_configurations() {
    let host = KeyHost::start(good(&["idp-ec"]));
    let setup = Setup { is_dynamic: true, workers: 2, ..Setup::default() };
    let world = World::start_with(&configuration("orders.read"), &[&host], setup);
    let read = token("idp-ec", json!({ "scope": "orders.read" }));
    let write = token("idp-ec", json!({ "scope": "orders.write" }));
    world.await_status(&read, 200, 503);

    let is_over = AtomicBool::new(false);
    let (mut statuses, mut log) = (BTreeSet::new(), String::new());
    thread::scope(|scope| {
        let loads: Vec<_> = ["a.b.c", &read, &write]
            .into_iter()
            .map(|token| {
                let (world, is_over) = (&world, &is_over);
                scope.spawn(move || {
                    let mut seen = BTreeSet::new();
                    while !is_over.load(Ordering::SeqCst) {
                        seen.insert((token, world.send("/orders", token).status));
                    }
                    seen
                })
            })
            .collect();
        let over = Until(&is_over);
        let await_both = |read_status: u16, write_status: u16| {
            let begun = Instant::now();
            let both = || [&read, &write].map(|token| world.send("/orders", token).status);
            while both() != [read_status, write_status] {
                let log = world.proxy.log();
                assert!(
                    begun.elapsed() < Duration::from_secs(30),
                    "never {read_status}, {write_status}:\n{log}"
                );
                thread::sleep(Duration::from_millis(20));
            }
        };
        for round in 1..=3 {
            world.update(&configuration("orders.write"));
            await_both(403, 200);
            let mut bad = configuration("orders.read");
            bad["routes"][0]["scope"] = json!("misspelt");
            world.update(&bad);
            let begun = Instant::now();
            let words = match world.proxy {
                Proxy::Envoy(_) => "lds: listener 'http' config rejected",
                Proxy::Nginx(_) => "[emerg]",
            };
            let refused = || world.proxy.log().matches(words).count();
            while refused() < round {
                assert!(begun.elapsed() < Duration::from_secs(30), "{}", world.proxy.log());
                thread::sleep(Duration::from_millis(20));
            }
            thread::sleep(Duration::from_millis(200));
            await_both(403, 200);
            world.update(&configuration("orders.read"));
            await_both(200, 403);
        }
        drop(over);
        for load in loads {
            statuses.extend(load.join().expect("no panic"));
        }
        log = world.proxy.log();
    });
    assert!(log.contains("configuration refused: token.configuration.invalid"), "{log}");
    let expected: BTreeSet<(&str, u16)> =
        [("a.b.c", 401), (&read, 200), (&read, 403), (&write, 200), (&write, 403)].into();
    assert_eq!(statuses, expected, "{log}");
    // The keys came once: a new configuration finds them in shared data.
    assert_eq!(host.asked(), 1, "{log}");
}

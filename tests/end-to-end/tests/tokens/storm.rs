//! Many clients that invent key ids, before four workers: what the issuer's server sees of it.
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::world::{KeyHost, Setup, Until, World, good, issuer, token, token_naming};

/// Clients, each with a connection of its own for each request.
const CLIENTS: usize = 16;
/// `refetch_pause_seconds`.
const PAUSE: Duration = Duration::from_secs(4);

/// However many tokens name however many keys, the issuer is asked once in a pause, by all workers
/// together. Meanwhile its real tokens are served, those that nobody has seen too, and when it changes its
/// key the new one is found.
#[test]
fn invented_key_ids_cost_the_issuer_one_fetch_in_a_pause() {
    let host = KeyHost::start(good(&["idp-ec"]));
    let mut issuer = issuer();
    issuer["jwks"]["refetch_pause_seconds"] = json!(PAUSE.as_secs());
    let configuration = json!({ "issuers": [issuer], "routes": [{ "match": { "prefix": "/orders" } }] });
    let setup = Setup { workers: 4, ..Setup::default() };
    let world = World::start_with(&configuration, &[&host], setup);
    let real = |key: &str, number: usize| token(key, json!({ "jti": format!("real-{number}") }));
    let begun = Instant::now();
    while world.send("/orders", &real("idp-ec", 0)).status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no keys:\n{}", world.proxy.log());
    }

    let is_over = AtomicBool::new(false);
    let invented = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (world, is_over, over) = (&world, &is_over, Until(&is_over));
        let invented = &invented;
        let attackers: Vec<_> = (0..CLIENTS)
            .map(|client| {
                scope.spawn(move || {
                    let mut number = 0;
                    while !is_over.load(Ordering::SeqCst) {
                        number += 1;
                        let kid = format!("invented-{client}-{number}");
                        let answer = world.send("/orders", &token_naming(&kid, "other-client-ec", json!({})));
                        assert_eq!(answer.status, 401, "{}", answer.text());
                        invented.fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        // Three fetches because of them, and a real token all the time: never the same one twice.
        let before = host.asked();
        let mut number = 0;
        while host.asked() < before + 3 {
            number += 1;
            let answer = world.send("/orders", &real("idp-ec", number));
            assert_eq!(answer.status, 200, "{}\n{}", answer.text(), world.proxy.log());
            assert!(begun.elapsed() < Duration::from_secs(120), "nobody asks for a key any more");
        }
        // The issuer changes its key in the middle of it.
        host.set(good(&["unknown-ec"]));
        loop {
            number += 1;
            match world.send("/orders", &real("unknown-ec", number)).status {
                200 => break,
                status => assert_eq!(status, 401),
            }
            assert!(begun.elapsed() < Duration::from_secs(180), "the new key is never found");
        }
        // The worker that accepts the next connection may be another: it learns within a tick.
        thread::sleep(Duration::from_millis(1_500));
        for _ in 0..20 {
            number += 1;
            assert_eq!(world.send("/orders", &real("unknown-ec", number)).status, 200);
            assert_eq!(world.send("/orders", &real("idp-ec", number)).status, 401, "the old key is gone");
        }
        drop(over);
        attackers.into_iter().for_each(|attacker| attacker.join().expect("no panic"));
    });
    // The clock of the filter has whole seconds, and a request takes its time to get here.
    let shortest = PAUSE - Duration::from_millis(1_500);
    let asked = host.asked_at();
    for (one, next) in asked.iter().zip(asked.iter().skip(1)) {
        assert!(*next - *one >= shortest, "{:?} between two fetches", *next - *one);
    }
    let invented = invented.load(Ordering::SeqCst);
    assert!(invented > 20 * asked.len(), "{invented} invented keys, {} fetches", asked.len());
    let log = world.proxy.log();
    assert!(!log.contains("Uncaught") && !log.contains("panicked"), "{log}");
}

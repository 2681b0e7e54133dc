//! Several workers: each has its own VM, and they meet in shared data.
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::world::{KeyHost, Reply, Setup, World, good, issuer, jwks, token};

const CLIENTS: usize = 64;

#[test]
fn four_workers_fetch_once() {
    let host = KeyHost::start(good(&["idp-ec"]));
    let configuration = json!({ "issuers": [issuer()], "routes": [{ "match": { "prefix": "/orders" } }] });
    let world = World::start_with(&configuration, &[&host], Setup { workers: 4, ..Setup::default() });
    let together = |token: &str| {
        thread::scope(|scope| {
            let ask = || scope.spawn(|| world.send("/orders", token));
            let asking: Vec<_> = (0..CLIENTS).map(|_| ask()).collect();
            asking.into_iter().map(|asking| asking.join().expect("an answer").status).collect::<Vec<_>>()
        })
    };
    // Connections go to whatever worker accepts them: so many reach all four.
    assert_eq!(together(&token("idp-ec", json!({}))), vec![200; CLIENTS], "{}", world.proxy.log());
    assert_eq!(host.asked(), 1, "one fetch for the four and the main thread");

    host.set(Reply::Late(Duration::from_millis(500), jwks(&["unknown-ec"])));
    thread::sleep(Duration::from_millis(2_100));
    let new = token("unknown-ec", json!({}));
    assert_eq!(together(&new), vec![200; CLIENTS], "{}", world.proxy.log());
    assert_eq!(host.asked(), 2, "one fetch for a new key");
    // The old key is gone from every worker, and from its cache, within a tick.
    thread::sleep(Duration::from_millis(1_500));
    assert_eq!(together(&token("idp-ec", json!({}))), vec![401; CLIENTS]);
}

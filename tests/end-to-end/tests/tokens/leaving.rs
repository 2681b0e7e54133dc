//! Clients that go away while their requests are paused.
use std::io::Write as _;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::world::{KeyHost, Reply, World, issuer, jwks, token};

/// How many leave. With those that stay they are more than may wait at a time: a place that is not
/// given back would show.
const LEAVING: usize = 200;
const STAYING: usize = 100;

#[test]
fn two_hundred_leave_and_the_others_are_served() {
    let host = KeyHost::start(Reply::Late(Duration::from_secs(4), jwks(&["idp-ec"])));
    let configuration = json!({ "issuers": [issuer()], "routes": [{ "match": { "prefix": "/orders" } }] });
    let mut world = World::start(&configuration, &[&host]);
    let token = token("idp-ec", json!({}));
    let request = format!("GET /orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    let leaving: Vec<TcpStream> = (0..LEAVING)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", world.origin.port)).expect("Envoy");
            stream.write_all(request.as_bytes()).expect("sent");
            stream
        })
        .collect();
    // All of them wait; half are gone in a moment, half only close their side.
    thread::sleep(Duration::from_millis(700));
    for (number, stream) in leaving.iter().enumerate() {
        let how = if number % 2 == 0 { std::net::Shutdown::Both } else { std::net::Shutdown::Write };
        stream.shutdown(how).expect("shut down");
    }
    drop(leaving);
    thread::sleep(Duration::from_millis(300));
    let answers = thread::scope(|scope| {
        let ask = || scope.spawn(|| world.send("/orders", &token));
        let asking: Vec<_> = (0..STAYING).map(|_| ask()).collect();
        asking.into_iter().map(|asking| asking.join().expect("an answer").status).collect::<Vec<_>>()
    });
    assert_eq!(answers, vec![200; STAYING], "{}", world.proxy.log());
    assert_eq!(host.asked(), 1, "one fetch for all");
    assert_eq!(world.upstream.take().len(), STAYING, "nobody who left was served");
    assert!(world.proxy.is_running());
    let log = world.proxy.log();
    assert!(!log.contains("Uncaught") && !log.contains("panicked"), "{log}");
    assert_eq!(world.send("/orders", &token).status, 200);
    assert_eq!(world.send("/orders", "a.b.c").status, 401);
}

//! Guests that trap or spin, reloads under load, workers that die.
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::world::Edge;

/// A filter that does what a header says, by its length: 4 traps, 5 spins, 6 waits for ever.
const HOSTILE: &str = r#"
(module
  (import "env" "proxy_get_header_map_value" (func $get (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "x-do")
  (global $next (mut i32) (i32.const 1024))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (local.get $size))))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (global.set $next (i32.const 1024))
    (if (i32.ne (call $get (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 16) (i32.const 20)) (i32.const 0))
      (then (return (i32.const 0))))
    (if (i32.eq (i32.load (i32.const 20)) (i32.const 4)) (then unreachable))
    (if (i32.eq (i32.load (i32.const 20)) (i32.const 5)) (then (loop $for_ever (br $for_ever))))
    (i32.eq (i32.load (i32.const 20)) (i32.const 6))))
"#;

fn with_hostile_guest() -> (Edge, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("hostile.wasm");
    fs::write(&file, wat::parse_str(HOSTILE).expect("a module")).expect("a file");
    let edge = Edge::start_with(
        |_| {},
        |text| {
            let module = format!(
                "  postern_module hostile {};\n  postern_wait_limit 3s;\n  postern_shared_memory 16m;",
                file.display()
            );
            text.replacen("  postern_shared_memory 16m;", &module, 1).replacen(
                "  location / {",
                "  postern_filter hostile;\n    location / {",
                1,
            )
        },
    );
    (edge, folder)
}

/// Until the filter is there again.
fn until_served(edge: &Edge) {
    let begun = Instant::now();
    while edge.request("GET /oauth2/jwks", "", "").0.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", edge.nginx.process.log());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_guest_that_traps_or_spins_costs_its_request_and_nothing_else() {
    let (edge, _folder) = with_hostile_guest();
    let workers = edge.nginx.workers();
    assert_eq!(edge.request("GET /oauth2/jwks", "", "").0.status, 200);
    for (what, word) in [("x-do: trap\r\n", "trap"), ("x-do: spin!\r\n", "took too long")] {
        let (answer, log, reached) = edge.request("GET /oauth2/jwks", what, "");
        assert_eq!((answer.status, reached.len()), (500, 0), "{log}");
        assert_eq!(log["reason"], "nginx.filter.died");
        assert!(edge.nginx.process.log().contains(word), "{}", edge.nginx.process.log());
        until_served(&edge);
    }
    assert_eq!(edge.nginx.workers(), workers, "the same worker goes on");
    // The endpoint filter stands before it, and has not died.
    assert_eq!(edge.request("GET /carbon", "x-do: trap\r\n", "").0.status, 404);
}

/// A filter that never says go on: the client gets an answer all the same.
#[test]
fn a_guest_that_holds_a_request_is_not_waited_for_for_ever() {
    let (edge, _folder) = with_hostile_guest();
    let (answer, log, reached) = edge.request("GET /oauth2/jwks", "x-do: never!\r\n", "");
    assert_eq!((answer.status, reached.len()), (504, 0), "{log}");
    assert_eq!(log["reason"], "nginx.filter.silent");
    assert_eq!(edge.request("GET /oauth2/jwks", "", "").0.status, 200);
}

/// A worker that has to go finishes what a filter holds, however long that takes.
#[test]
fn a_reload_waits_for_what_a_filter_holds() {
    let (mut edge, _folder) = with_hostile_guest();
    let held = {
        let origin = edge.origin.clone();
        let request = format!(
            "GET /oauth2/jwks HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nx-do: never!\r\n\r\n",
            origin.authority()
        );
        thread::spawn(move || origin.exchange(request.as_bytes()).map(|answer| answer.status))
    };
    let old = edge.nginx.workers();
    // The worker has the request when its connection to us is there; the filter has it a little later.
    thread::sleep(Duration::from_millis(500));
    edge.nginx.signal(Signal::HUP);
    assert_eq!(held.join().expect("no panic"), Ok(504));
    edge.nginx.process.wait_until("the old worker is gone", || {
        old.iter().all(|worker| !std::path::Path::new(&format!("/proc/{worker}")).exists())
    });
    assert!(!edge.nginx.process.log().contains("open socket"), "{}", edge.nginx.process.log());
    assert_eq!(edge.request("GET /oauth2/jwks", "", "").0.status, 200);
}

#[test]
fn reloads_lose_nothing() {
    let mut edge = Edge::start();
    let (over, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    let request = format!(
        "GET /oauth2/jwks HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
        edge.origin.authority()
    );
    thread::scope(|scope| {
        let origin = edge.origin.clone();
        let (over, served, request) = (&over, &served, &request);
        scope.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let answer = origin.exchange(request.as_bytes());
                assert_eq!(answer.map(|answer| answer.status), Ok(200));
                served.fetch_add(1, Ordering::Relaxed);
            }
        });
        for _ in 0..5 {
            let configuration = edge.configuration.clone();
            edge.nginx.reload(&configuration, 1);
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(served.load(Ordering::Relaxed) > 10);
    // A configuration that is refused changes nothing.
    let exposing = edge.configuration.replacen("\"path\": \"/oauth2/jwks\"", "\"path\": \"/console\"", 1);
    let workers = edge.nginx.workers();
    fs::write(edge.folder.path().join("nginx.conf"), exposing).expect("a file");
    edge.nginx.signal(Signal::HUP);
    thread::sleep(Duration::from_secs(3));
    assert_eq!(edge.nginx.workers(), workers);
    assert_eq!(edge.request("GET /oauth2/jwks", "", "").0.status, 200);
}

#[test]
fn a_worker_that_is_killed_is_followed_by_another() {
    let mut edge = Edge::start();
    let [worker] = edge.nginx.workers()[..] else { panic!("one worker") };
    let pid = i32::try_from(worker).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(pid, Signal::KILL).expect("the worker is ours");
    let id = edge.nginx.process.id();
    edge.nginx.process.wait_until("another worker", || {
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        !children.trim().is_empty() && children.trim() != worker.to_string()
    });
    assert_eq!(edge.request("GET /oauth2/jwks", "", "").0.status, 200);
}

//! Workers that are killed between two instructions while they write what all of them share.
use std::collections::BTreeMap;
use std::fs;
use std::thread;

use postern_end_to_end::client::Origin;
use tempfile::TempDir;

use crate::stepped::Stepped;
use crate::world::{Edge, without_endpoint_filter};

/// A filter that keeps what `x-value` says under the name that `x-key` says, and else answers with what is
/// kept there.
const KEEPING: &str = r#"
(module
  (import "env" "proxy_get_header_map_value" (func $get (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_shared_data" (func $keep (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_shared_data" (func $kept (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_send_local_response" (func $answer
    (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "x-key")
  (data (i32.const 8) "x-value")
  (global $next (mut i32) (i32.const 4096))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (local.get $size))))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func $say (param $status i32) (param $text i32) (param $size i32)
    (drop (call $answer (local.get $status) (i32.const 0) (i32.const 0) (local.get $text) (local.get $size)
      (i32.const 0) (i32.const 0) (i32.const -1))))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (global.set $next (i32.const 4096))
    (drop (call $get (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 32) (i32.const 36)))
    (if (i32.eqz (call $get (i32.const 0) (i32.const 8) (i32.const 7) (i32.const 40) (i32.const 44)))
      (then
        (if (call $keep (i32.load (i32.const 32)) (i32.load (i32.const 36)) (i32.load (i32.const 40))
            (i32.load (i32.const 44)) (i32.const 0))
          (then (call $say (i32.const 507) (i32.const 0) (i32.const 0)))
          (else (call $say (i32.const 200) (i32.const 0) (i32.const 0)))))
      (else
        (if (call $kept (i32.load (i32.const 32)) (i32.load (i32.const 36)) (i32.const 48) (i32.const 52)
            (i32.const 56))
          (then (call $say (i32.const 404) (i32.const 0) (i32.const 0)))
          (else (call $say (i32.const 200) (i32.load (i32.const 48)) (i32.load (i32.const 52)))))))
    (i32.const 1)))
"#;

fn with_keeping_guest() -> (Edge, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keeping.wasm");
    fs::write(&file, wat::parse_str(KEEPING).expect("a module")).expect("a file");
    let edge = Edge::start_with(
        |_| {},
        |text| {
            let module =
                format!("  postern_module keeping {};\n  postern_shared_memory 16m;", file.display());
            // nginx's own zones are written by the same functions: none here.
            let text: Vec<&str> = text
                .lines()
                .filter(|line| {
                    let line = line.trim_start();
                    !line.starts_with("limit_req") && !line.starts_with("ssl_session_cache")
                })
                .collect();
            without_endpoint_filter(&(text.join("\n") + "\n"))
                .replacen("  postern_shared_memory 16m;", &module, 1)
                .replacen("  location / {", "  postern_filter keeping;\n    location / {", 1)
        },
    );
    (edge, folder)
}

fn ask(origin: &Origin, key: &str, value: Option<&str>) -> Result<(u16, String), String> {
    let value = value.map_or_else(String::new, |value| format!("x-value: {value}\r\n"));
    let request = format!(
        "GET /oauth2/jwks HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nx-key: {key}\r\n{value}\r\n",
        origin.authority()
    );
    origin.exchange(request.as_bytes()).map(|answer| (answer.status, answer.text()))
}

/// Values of one number are all alike, and of a length of their own.
fn value(number: usize) -> String {
    format!("{number}.").repeat(3 + number * 7 % 90)
}

/// Between the first instruction of the allocator and the last of the table there are some thousands.
const KILLS: usize = 40;
const STRIDE: usize = 61;

#[test]
fn a_worker_that_is_killed_while_it_writes_leaves_what_was_or_what_is_to_be() {
    let (mut edge, _folder) = with_keeping_guest();
    assert_eq!(ask(&edge.origin, "one", Some(&value(0))), Ok((200, String::new())));
    let mut kept = BTreeMap::from([("one".to_owned(), value(0))]);
    for number in 1..=KILLS {
        // By turns a value that is there is replaced, and a new one is put beside it.
        let key = if number % 2 == 0 { format!("key-{number}") } else { "one".to_owned() };
        let next = value(number);
        let [worker] = edge.nginx.workers()[..] else { panic!("one worker") };
        let mut stepped = Stepped::attach(worker);
        stepped.stop_at_calls_of("ngx_slab_alloc_locked", "ngx_http_postern_module.so");
        let asking = {
            let (origin, key, next) = (edge.origin.clone(), key.clone(), next.clone());
            thread::spawn(move || ask(&origin, &key, Some(&next)))
        };
        stepped.run_to_the_call();
        stepped.step(number * STRIDE);
        stepped.kill();
        let answered = asking.join().expect("no panic");
        until_another(&mut edge, worker);

        let (status, found) = ask(&edge.origin, &key, None).expect("an answer");
        let before = kept.get(&key).cloned();
        let is_old = match &before {
            Some(before) => (status, &found) == (200, before),
            None => status == 404,
        };
        let is_new = (status, &found) == (200, &next);
        assert!(is_old || is_new, "after {number} strides: {status} {found}, answered {answered:?}");
        if is_new {
            kept.insert(key, next);
        }
        for (key, value) in &kept {
            assert_eq!(
                ask(&edge.origin, key, None),
                Ok((200, value.clone())),
                "{key} after {number} strides"
            );
        }
        // The table can be written.
        assert_eq!(ask(&edge.origin, "again", Some(&value(number + 1))), Ok((200, String::new())));
        assert_eq!(ask(&edge.origin, "again", None), Ok((200, value(number + 1))));
    }
    // Some of them were in the middle.
    let log = edge.nginx.process.log();
    assert!(log.contains("a worker died while it wrote shared memory"), "{log}");
}

fn until_another(edge: &mut Edge, worker: u32) {
    let id = edge.nginx.process.id();
    edge.nginx.process.wait_until("another worker", || {
        let children = postern_end_to_end::nginx::children(id);
        children.len() == 1 && !children.contains(&worker)
    });
}

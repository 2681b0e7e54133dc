//! Bodies that a filter changes, and responses that it answers in the place of.
use std::fs;

use postern_vectors::Reply;
use tempfile::TempDir;

use crate::world::{Edge, FORM, without_endpoint_filter};

/// A filter that puts `changed` in the place of a request's body, holds a response until it is whole and
/// writes ` (seen)` behind it, and answers itself when the response says `x-secret`.
const CHANGING: &str = r#"
(module
  (import "env" "proxy_get_header_map_value" (func $get (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_remove_header_map_value" (func $remove (param i32 i32 i32) (result i32)))
  (import "env" "proxy_set_buffer_bytes" (func $set (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_send_local_response" (func $answer
    (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "x-secret")
  (data (i32.const 16) "content-length")
  (data (i32.const 32) "changed")
  (data (i32.const 48) " (seen)")
  (data (i32.const 64) "not for you")
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param $size i32) (result i32) (i32.const 4096))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_request_headers") (param $id i32) (param $count i32) (param $whole i32) (result i32)
    (i32.eqz (local.get $whole)))
  (func (export "proxy_on_request_body") (param $id i32) (param $size i32) (param $whole i32) (result i32)
    (if (i32.eqz (local.get $whole)) (then (return (i32.const 1))))
    (if (call $set (i32.const 0) (i32.const 0) (local.get $size) (i32.const 32) (i32.const 7))
      (then unreachable))
    (i32.const 0))
  (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
    (if (i32.eqz (call $get (i32.const 2) (i32.const 0) (i32.const 8) (i32.const 128) (i32.const 132)))
      (then
        (drop (call $answer (i32.const 403) (i32.const 0) (i32.const 0) (i32.const 64) (i32.const 11)
          (i32.const 0) (i32.const 0) (i32.const -1)))
        (return (i32.const 1))))
    (if (call $remove (i32.const 2) (i32.const 16) (i32.const 14)) (then unreachable))
    (i32.const 0))
  (func (export "proxy_on_response_body") (param $id i32) (param $size i32) (param $last i32) (result i32)
    (if (i32.eqz (local.get $last)) (then (return (i32.const 1))))
    (if (call $set (i32.const 1) (local.get $size) (i32.const 0) (i32.const 48) (i32.const 7))
      (then unreachable))
    (i32.const 0)))
"#;

fn with_changing_guest() -> (Edge, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("changing.wasm");
    fs::write(&file, wat::parse_str(CHANGING).expect("a module")).expect("a file");
    let edge = Edge::start_with(
        |_| {},
        |text| {
            let module =
                format!("  postern_module changing {};\n  postern_shared_memory 16m;", file.display());
            without_endpoint_filter(&text).replacen("  postern_shared_memory 16m;", &module, 1).replacen(
                "  location / {",
                "  postern_filter changing;\n    location / {",
                1,
            )
        },
    );
    (edge, folder)
}

fn reply(headers: &[(&str, &str)], body: &str) -> Reply {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
    Reply { status: 200, headers: headers.collect(), body: body.into() }
}

#[test]
fn the_upstream_gets_the_body_that_a_filter_wrote() {
    let (edge, _folder) = with_changing_guest();
    let body = "a=b&c=d";
    for framing in [
        format!("{FORM}content-length: {}\r\n\r\n{body}", body.len()),
        format!("{FORM}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len()),
    ] {
        let host = edge.origin.authority();
        let request =
            format!("POST /oauth2/token HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{framing}");
        let (answer, log, reached) = edge.exchange(request.as_bytes());
        assert_eq!(answer.status, 200, "{log}");
        let reached = &reached.first().expect("a request").request();
        assert_eq!(String::from_utf8_lossy(&reached.body), "changed");
        let lengths: Vec<_> =
            reached.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).collect();
        assert_eq!(lengths.len(), 1, "{lengths:?}");
        assert_eq!(lengths[0].1, b"7");
    }
}

#[test]
fn a_response_is_held_and_changed_whatever_its_size() {
    let (edge, _folder) = with_changing_guest();
    for size in [0, 1, 4_000, 60_000] {
        let body = "0123456789".repeat(size / 10 + 1)[..size].to_owned();
        edge.upstream.reply("/oauth2/jwks", reply(&[("content-type", "text/plain")], &body));
        let (answer, log, _) = edge.request("GET /oauth2/jwks", "", "");
        // Nothing follows the headers of an empty one.
        let expected = if size == 0 { String::new() } else { format!("{body} (seen)") };
        assert_eq!(answer.status, 200, "{log}");
        assert!(answer.text() == expected, "{size}: {} bytes came", answer.text().len());
    }
}

/// More than it may hold: half a response is none.
#[test]
fn a_response_that_is_too_large_to_be_held_is_cut_off() {
    let (edge, _folder) = with_changing_guest();
    let body = "0123456789".repeat(200_000);
    edge.upstream.reply("/oauth2/jwks", reply(&[("content-type", "text/plain")], &body));
    let host = edge.origin.authority();
    let request = format!("GET /oauth2/jwks HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    let answer = edge.origin.exchange(request.as_bytes());
    assert!(answer.as_ref().map_or(true, |answer| !answer.text().contains("(seen)")), "it came whole");
    let log = edge.nginx.process.log();
    assert!(log.contains("a filter holds more of a response than postern_body_limit"), "{log}");
}

#[test]
fn a_filter_answers_in_the_place_of_the_upstream() {
    let (edge, _folder) = with_changing_guest();
    let headers = [("content-type", "text/plain"), ("x-secret", "yes"), ("set-cookie", "a=b")];
    for body in ["of the upstream", ""] {
        edge.upstream.reply("/oauth2/jwks", reply(&headers, body));
        let (answer, log, _) = edge.request("GET /oauth2/jwks", "", "");
        assert_eq!((answer.status, answer.text()), (403, "not for you".to_owned()), "{log}");
        assert_eq!((answer.header("x-secret"), answer.header("set-cookie")), (None, None));
    }
}

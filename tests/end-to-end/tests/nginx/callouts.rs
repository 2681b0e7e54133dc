//! Requests that a filter sends itself: kept connections, nodes that are away, answers that are none.
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use postern_end_to_end::process::refusing_port;
use tempfile::TempDir;

use crate::world::{Edge, without_endpoint_filter};

/// A filter that asks `far` before it lets a request pass: 502 when that fails, else the request goes on.
const ASKING: &str = r#"
(module
  (import "env" "proxy_http_call" (func $call
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_continue_stream" (func $go_on (param i32) (result i32)))
  (import "env" "proxy_send_local_response" (func $answer
    (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_effective_context" (func $for (param i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "far")
  (data (i32.const 16) "PAIRS")
  (global $stream (mut i32) (i32.const 0))
  (global $next (mut i32) (i32.const 4096))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
    (global.get $next))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_request_headers") (param $stream i32) (param i32 i32) (result i32)
    (global.set $stream (local.get $stream))
    (if (i32.eqz (call $call (i32.const 0) (i32.const 3) (i32.const 16) (i32.const SIZE)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 2000) (i32.const 2048)))
      (then (return (i32.const 1))))
    (drop (call $answer (i32.const 500) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const -1)))
    (i32.const 1))
  (func (export "proxy_on_http_call_response") (param i32 i32) (param $headers i32) (param i32 i32)
    (drop (call $for (global.get $stream)))
    (if (local.get $headers)
      (then (drop (call $go_on (i32.const 0))))
      (else (drop (call $answer (i32.const 502) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const -1)))))))
"#;

/// The headers of the call, as the ABI has them and as WebAssembly's text has bytes.
fn pairs() -> (String, usize) {
    let pairs = [(":method", "GET"), (":path", "/far"), (":authority", "far.lan")];
    let mut bytes = 3_u32.to_le_bytes().to_vec();
    for (name, value) in pairs {
        for text in [name, value] {
            bytes.extend(u32::try_from(text.len()).expect("short").to_le_bytes());
        }
    }
    for (name, value) in pairs {
        for text in [name, value] {
            bytes.extend([text.as_bytes(), b"\0"].concat());
        }
    }
    (bytes.iter().map(|byte| format!("\\{byte:02x}")).collect(), bytes.len())
}

/// An edge whose filter asks one of these ports.
fn asking(ports: &[u16]) -> (Edge, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("asking.wasm");
    let (pairs, size) = pairs();
    let text = ASKING.replace("PAIRS", &pairs).replace("SIZE", &size.to_string());
    fs::write(&file, wat::parse_str(text).expect("a module")).expect("a file");
    let origins: String = ports.iter().map(|port| format!(" http://127.0.0.1:{port}")).collect();
    let edge = Edge::start_with(
        |_| {},
        |text| {
            let module = format!(
                "  postern_module asking {};\n  postern_cluster far{origins};\n  postern_shared_memory 16m;",
                file.display()
            );
            without_endpoint_filter(&text).replacen("  postern_shared_memory 16m;", &module, 1).replacen(
                "  location / {",
                "  postern_filter asking;\n    location / {",
                1,
            )
        },
    );
    (edge, folder)
}

/// A server that treats each connection as it is told to, and counts them.
struct Far {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Far {
    fn start(serve: impl Fn(&mut TcpStream, usize) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let (counted, serve) = (Arc::clone(&connections), Arc::new(serve));
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (number, serve) = (counted.fetch_add(1, Ordering::Relaxed), Arc::clone(&serve));
                thread::spawn(move || serve(&mut stream, number));
            }
        });
        Self { port, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";

/// One request's head; false when the connection has ended.
fn heard(stream: &mut TcpStream) -> bool {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => bytes.push(byte[0]),
            _ => return false,
        }
    }
    assert!(
        bytes.starts_with(b"GET /far HTTP/1.1\r\nhost: far.lan\r\n"),
        "{:?}",
        String::from_utf8_lossy(&bytes)
    );
    true
}

fn status(edge: &Edge) -> u16 {
    edge.request("GET /oauth2/jwks", "", "").0.status
}

#[test]
fn a_connection_serves_one_call_after_the_other() {
    let far = Far::start(|stream, _| while heard(stream) && stream.write_all(GOOD).is_ok() {});
    let (edge, _folder) = asking(&[far.port]);
    for _ in 0..5 {
        assert_eq!(status(&edge), 200, "{}", edge.nginx.process.log());
    }
    assert_eq!(far.connections(), 1);
    assert!(!edge.nginx.process.log().contains("a call to far"), "{}", edge.nginx.process.log());
}

/// A server that closes what it had left open: the call goes over another connection.
#[test]
fn a_kept_connection_that_has_ended_costs_nothing() {
    let far = Far::start(|stream, _| {
        if heard(stream) {
            let _ = stream.write_all(GOOD);
            // The next request is read, and not answered.
            heard(stream);
        }
    });
    let (edge, _folder) = asking(&[far.port]);
    for count in 1..=4 {
        assert_eq!(status(&edge), 200, "{}", edge.nginx.process.log());
        assert_eq!(far.connections(), count);
    }
}

#[test]
fn a_node_that_is_away_is_passed_over() {
    let far = Far::start(|stream, _| while heard(stream) && stream.write_all(GOOD).is_ok() {});
    let (edge, _folder) = asking(&[refusing_port(), far.port, refusing_port()]);
    for _ in 0..3 {
        assert_eq!(status(&edge), 200, "{}", edge.nginx.process.log());
    }
    let (edge, _folder) = asking(&[refusing_port(), refusing_port()]);
    assert_eq!(status(&edge), 502);
    let log = edge.nginx.process.log();
    assert!(log.contains("a call to far (127.0.0.1:") && log.contains("no node connects"), "{log}");
}

/// Each answer that is none fails its call, and the worker goes on.
#[test]
fn hostile_answers_fail_their_call() {
    const ANSWERS: [&[u8]; 9] = [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\na",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ];
    let far = Far::start(|stream, number| {
        if heard(stream) {
            let _ = stream.write_all(ANSWERS.get(number).copied().unwrap_or(GOOD));
            let _ = stream.shutdown(Shutdown::Write);
        }
    });
    let (edge, _folder) = asking(&[far.port]);
    let workers = edge.nginx.workers();
    for answer in ANSWERS {
        assert_eq!(status(&edge), 502, "{:?}", String::from_utf8_lossy(answer));
    }
    assert_eq!(status(&edge), 200);
    assert_eq!((edge.nginx.workers(), far.connections()), (workers, ANSWERS.len() + 1));
}

/// A worker that ends has closed what it kept.
#[test]
fn a_worker_that_goes_leaves_no_connection_open() {
    let far = Far::start(|stream, _| while heard(stream) && stream.write_all(GOOD).is_ok() {});
    let (mut edge, _folder) = asking(&[far.port]);
    assert_eq!(status(&edge), 200);
    let configuration = edge.configuration.clone();
    edge.nginx.reload(&configuration, 1);
    assert_eq!(status(&edge), 200);
    assert_eq!(far.connections(), 2);
    assert!(!edge.nginx.process.log().contains("open socket"), "{}", edge.nginx.process.log());
}

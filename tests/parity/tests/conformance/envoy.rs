//! All cases in one Envoy, each behind a listener of its own.
#![allow(unreachable_pub, reason = "a part of one test program")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use postern_end_to_end::client::Origin;
use postern_end_to_end::envoy::Envoy;
use postern_end_to_end::process::{free_port, refusing_port};
use postern_end_to_end::upstream::{BODY, Upstream};
use postern_end_to_end::wire::{self, Kind};
use postern_vectors::Request;
use serde_json::{Value, json};

use super::cases::Case;
use super::here::{CALLED, REQUEST_TRAILER, RESPONSE_TRAILER};

/// What each guest says, then what the client gets, each line once. Waits until as many lines are
/// there as were seen in our host.
pub fn observe(cases: &[Case], expected: &[usize]) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let upstream = Upstream::start(None, BTreeMap::from([("/callout".into(), CALLED.into())]));
    let ports: Vec<u16> = cases.iter().map(|_| free_port()).collect();
    let mut listeners = Vec::new();
    for (case, port) in cases.iter().zip(&ports) {
        let file = folder.path().join(format!("{}.wasm", case.name));
        fs::write(&file, case.guest.module()).expect("a file");
        listeners.push(listener(case, *port, &file.to_string_lossy()));
    }
    let configuration = json!({
        "static_resources": { "listeners": listeners, "clusters": [
            cluster("upstream", upstream.port),
            cluster("away", refusing_port()),
            cluster("trailing", upstream_with_trailers()),
        ] }
    });
    let last = *ports.last().expect("a case");
    let envoy =
        Envoy::start(folder.path(), &configuration.to_string(), last, folder.path().join("access.log"));
    let answers: Vec<String> = cases.iter().zip(&ports).map(|(case, port)| client(case, *port)).collect();
    let observed = cases.iter().zip(expected).zip(answers);
    observed
        .map(|((case, expected), answer)| {
            let mut lines = said(&envoy, case);
            for _ in 0..200 {
                if lines.len() + 1 >= *expected {
                    break;
                }
                thread::sleep(Duration::from_millis(20));
                lines = said(&envoy, case);
            }
            if case.order_differs {
                lines.push(answer);
                lines.sort();
            } else {
                lines.push(answer);
            }
            lines
        })
        .collect()
}

/// The lines of the guest in Envoy's log: its main thread configures the plugin, too, and says so.
fn said(envoy: &Envoy, case: &Case) -> Vec<String> {
    // Three times for a stream: plugin, root and VM have the case's name. Twice for a root context.
    let own = |prefix: &str| prefix.split(' ').all(|word| word == case.name);
    let mut lines: Vec<String> = Vec::new();
    for line in envoy.process.log().lines() {
        if let Some((_, said)) = line.split_once(" wasm log ")
            && let Some((prefix, said)) = said.split_once(": ")
            && own(prefix)
            && !lines.iter().any(|line| line == said)
        {
            lines.push(said.to_owned());
        }
    }
    lines
}

/// What the client gets.
pub fn client(case: &Case, port: u16) -> String {
    let headers = [("host", "sso.example.com"), ("x-one", "1"), ("x-two", "a"), ("x-two", "b")];
    let request = Request {
        method: if case.body.is_some() { "POST" } else { "GET" }.into(),
        target: b"/path?query".to_vec(),
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
            .collect(),
        body: case.body.unwrap_or_default().into(),
    };
    let origin = Origin::plain(port);
    let answer = if case.trailers {
        let (name, value) = REQUEST_TRAILER;
        let body = case.body.unwrap_or_default();
        let bytes = format!(
            "POST /path?query HTTP/1.1\r\nhost: sso.example.com\r\ntransfer-encoding: chunked\r\n\
             connection: close\r\n\r\n{:x}\r\n{body}\r\n0\r\n{name}: {value}\r\n\r\n",
            body.len()
        );
        origin.exchange(bytes.as_bytes())
    } else {
        origin.send(&request)
    };
    let Ok(answer) = answer else { return "client: nothing".into() };
    let guest = answer.header("x-guest").unwrap_or_default();
    format!("client: {} {guest} {}", answer.status, answer.text().trim_end())
}

/// Answers whatever comes, with a trailer.
fn upstream_with_trailers() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let (name, value) = RESPONSE_TRAILER;
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n\
             {:x}\r\n{BODY}\r\n0\r\n{name}: {value}\r\n\r\n",
            BODY.len()
        );
        for mut stream in listener.incoming().flatten() {
            while let Ok(Some(_)) = wire::read(&mut stream, Kind::Request) {
                if stream.write_all(answer.as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    port
}

fn listener(case: &Case, port: u16, file: &str) -> Value {
    let name = case.name;
    const STRING: &str = "type.googleapis.com/google.protobuf.StringValue";
    let wasm = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        "config": {
            "name": name,
            "root_id": name,
            "allow_on_headers_stop_iteration": true,
            "vm_config": {
                "vm_id": name,
                "runtime": "envoy.wasm.runtime.v8",
                "code": { "local": { "filename": file } },
                "configuration": { "@type": STRING, "value": "the VM's" }
            },
            "configuration": { "@type": STRING, "value": "the plugin's" }
        }
    });
    let router = json!({ "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" });
    let cluster = if case.trailers { "trailing" } else { "upstream" };
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "http_protocol_options": { "enable_trailers": case.trailers },
        "route_config": {
            "virtual_hosts": [{
                "name": name,
                "domains": ["*"],
                "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": cluster } }]
            }]
        },
        "http_filters": [
            { "name": "wasm", "typed_config": wasm },
            { "name": "envoy.filters.http.router", "typed_config": router }
        ]
    });
    json!({
        "name": name,
        "address": { "socket_address": { "address": "127.0.0.1", "port_value": port } },
        "filter_chains": [{
            "filters": [{
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": manager
            }]
        }]
    })
}

fn cluster(name: &str, port: u16) -> Value {
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": { "http_protocol_options": { "enable_trailers": true } }
            }
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{
                "lb_endpoints": [{
                    "endpoint": {
                        "address": { "socket_address": { "address": "127.0.0.1", "port_value": port } }
                    }
                }]
            }]
        }
    })
}

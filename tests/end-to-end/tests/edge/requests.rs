//! Headers, bodies and answers.
use std::time::Duration;

use postern_end_to_end::http2;
use postern_end_to_end::http2_frames::Http2Request;
use postern_end_to_end::process::refusing_port;
use postern_end_to_end::proxy::Kind;

use crate::world::{Edge, FORM, header, is_correlation_id};

#[test]
fn the_lan_is_told_who_the_client_is_by_the_edge_alone() {
    let edge = Edge::start();
    let forged = "x-postern-client-address: 6.6.6.6\r\nX.Postern-Client.Address: 6.6.6.6\r\n\
                  x_postern_client_address: 6.6.6.6\r\nx-postern-correlation-id: 00000000000000000000000000000000\r\n\
                  x-postern-anything: forged\r\nx-forwarded-for: 6.6.6.6\r\nforwarded: for=6.6.6.6\r\n\
                  x-client-ip: 6.6.6.6\r\nTrue-Client.IP: 6.6.6.6\r\nremote-user: forged\r\n\
                  x-auth-request-email: forged\r\nssl-client-verify: forged\r\nX.Forwarded.For: 6.6.6.6\r\n\
                  proxy: http://6.6.6.6\r\nproxy-authorization: forged\r\nx-forwarded-host: 6.6.6.6\r\n\
                  client-cert: :forged:\r\nx-wso2-mtls-cert: forged\r\nx-forwarded-client-cert: forged\r\n\
                  Cert.Chain-0: forged\r\nx-envoy-external-address: 6.6.6.6\r\nx-forwarded-ssl: forged\r\n\
                  x-real-ip: 6.6.6.6\r\nx-forwarded-prefix: /forged\r\nx-forwarded-port: 6666\r\n\
                  x-request-id: forged\r\n";
    let (answer, log, reached) = edge.request("GET /samlsso?SAMLRequest=a%2Bb%3d", forged, "");
    assert_eq!(answer.status, 200);
    let [message] = reached.as_slice() else { panic!("{} requests", reached.len()) };
    assert_eq!(message.start_line(), "GET /samlsso?SAMLRequest=a%2Bb%3d HTTP/1.1");
    let headers = message.headers();
    assert_eq!(header(&headers, "x-postern-client-address"), ["127.0.0.1"]);
    let ids = header(&headers, "x-postern-correlation-id");
    assert!(
        ids.len() == 1 && is_correlation_id(edge.kind, ids[0]) && !ids[0].starts_with("00000000"),
        "{ids:?}"
    );
    assert_eq!(log["correlation_id"], ids[0]);
    let raw = String::from_utf8_lossy(&message.raw).to_lowercase();
    assert!(!raw.contains("6.6.6.6") && !raw.contains("forged") && !raw.contains("6666"), "{raw}");
    // A query can hold codes: it is in no log.
    assert_eq!(log["path"], "/samlsso");
    assert!(!log.to_string().contains("SAMLRequest"), "{log}");
}

#[test]
fn a_refusal_is_neutral_outside_and_has_its_reason_inside() {
    let edge = Edge::start();
    let (answer, log, reached) = edge.request("GET /carbon/admin", "", "");
    assert_eq!((answer.status, reached.len()), (404, 0));
    let id = answer.header("x-correlation-id").expect("a correlation id");
    assert_eq!(answer.text(), format!("Not Found\nReference: {id}\n"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(log["reason"], "endpoint.path.never-public");
    let words = log["refusal"].as_str().expect("words");
    assert!(words.contains("never-public (peer-misbehaved)") && words.contains("/carbon/admin"), "{words}");
    let log = edge.proxy.log();
    assert!(log.contains(id) && log.contains("endpoint.path.never-public"), "{log}");
    let (answer, ..) = edge.request("DELETE /samlsso", "", "");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, POST")));
    // A connection goes on after a refusal, with a body that nobody read.
    let host = edge.origin.authority();
    let first = format!("POST /carbon HTTP/1.1\r\nhost: {host}\r\n{FORM}content-length: 3\r\n\r\na=1");
    let second = format!("GET /oauth2/jwks HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    edge.upstream.take();
    let answer = edge.origin.exchange(format!("{first}{second}").as_bytes()).expect("an answer");
    assert_eq!(answer.status, 404);
}

/// What the proxy refuses before the first filter still has the header that the client sent.
#[test]
fn a_client_never_chooses_the_reference() {
    let edge = Edge::start();
    let forged = "0123456789abcdef0123456789abcdef";
    let host = edge.origin.authority();
    for (start, headers) in [
        ("GET /oauth2/jwks HTTP/1.0", format!("host: {host}\r\n")),
        ("GET /oauth2/jwks HTTP/1.1", String::new()),
        ("GET https://elsewhere.example/ HTTP/1.1", format!("host: {host}\r\n")),
        ("CONNECT /oauth2/jwks HTTP/1.1", format!("host: {host}\r\n")),
        ("GET /oauth2/nothing HTTP/1.1", format!("host: {host}\r\n")),
    ] {
        let bytes =
            format!("{start}\r\n{headers}x-postern-correlation-id: {forged}\r\nconnection: close\r\n\r\n");
        let (answer, log, reached) = edge.exchange(bytes.as_bytes());
        assert!(answer.status >= 400 && reached.is_empty(), "{start}: {log}");
        let told = format!("{log} {} {:?}", answer.text(), answer.header("x-correlation-id"));
        assert!(!told.contains(forged), "{start}: {told}");
    }
}

/// A body of unknown length is held until it is counted.
#[test]
fn a_chunked_body_is_counted_before_its_first_byte_goes_upstream() {
    let edge = Edge::start();
    let chunked = |chunks: usize, size: usize| {
        let chunk = format!("{size:x}\r\n{}\r\n", "a".repeat(size));
        edge.request(
            "POST /oauth2/token",
            &format!("{FORM}transfer-encoding: chunked\r\n"),
            &format!("{}0\r\n\r\n", chunk.repeat(chunks)),
        )
    };
    let (answer, _, reached) = chunked(16, 1000);
    assert_eq!((answer.status, reached.len()), (200, 1));
    assert_eq!(reached[0].body.len(), 16_000);
    // The endpoint's limit is 16 KiB.
    for (chunks, size) in [(17, 1000), (1, 16_385), (40, 1000), (60, 1000)] {
        let (answer, log, reached) = chunked(chunks, size);
        assert_eq!((answer.status, reached.len()), (413, 0), "{chunks} times {size}: {log}");
        assert_eq!(log["reason"], "proxy.body.too-large");
    }
    // The proxy's own limit, beyond what a filter holds.
    let (answer, log, reached) = chunked(900, 1000);
    assert_eq!((answer.status, reached.len()), (413, 0), "{log}");
}

#[test]
fn http2_is_judged_by_the_same_rules() {
    let edge = Edge::start();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let send = |method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]| {
        edge.upstream.take();
        let before = edge.lines().len();
        let answer = http2::send(&edge.origin, method, target, headers, body).expect("an answer");
        let log = edge.line(before);
        (answer.status, log["reason"].as_str().unwrap_or_default().to_owned(), edge.upstream.take())
    };
    let (status, _, reached) = send("POST", "/oauth2/token", &form, b"grant_type=x");
    assert_eq!((status, reached.len()), (200, 1));
    assert_eq!(reached[0].body, b"grant_type=x");
    let (status, reason, reached) = send("POST", "/oauth2/token", &form, &[b'a'; 20_000]);
    assert_eq!((status, reason.as_str(), reached.len()), (413, "proxy.body.too-large", 0));
    let (status, reason, reached) = send("GET", "/samlsso/..;/carbon", &[], b"");
    assert_eq!((status, reason.as_str(), reached.len()), (400, "endpoint.path.matrix-parameter", 0));
    let (status, reason, reached) = send("GET", "/samlsso/../carbon", &[], b"");
    assert_eq!((status, reason.as_str(), reached.len()), (400, "endpoint.path.dot-segment", 0));
}

/// Pseudo headers that no client library sends: whoever refuses them, nothing reaches the LAN.
#[test]
fn pseudo_headers_that_are_none_reach_nobody() {
    let edge = Edge::start();
    let send = |headers: &[(&str, &str)]| {
        edge.upstream.take();
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let headers = [&form, headers].concat();
        let mut request = Http2Request::begin(&edge.origin, "POST", "/oauth2/token", &headers).expect("sent");
        // The connection may be gone by now.
        let _ = request.data(b"grant_type=x", 0, true);
        std::thread::sleep(Duration::from_millis(500));
        edge.upstream.take().len()
    };
    assert_eq!(send(&[]), 1);
    for headers in [
        &[(":path", "/carbon")][..],
        &[("cookie", "a=b"), (":path", "/carbon")],
        &[(":method", "GET")],
        &[(":scheme", "ftp")],
        &[(":protocol", "websocket")],
        &[(":unknown", "x")],
        &[("connection", ":path")],
        &[("transfer-encoding", "chunked")],
        &[("upgrade", "websocket")],
    ] {
        assert_eq!(send(headers), 0, "{headers:?}");
    }
}

/// What the proxy itself answers says nothing about the LAN.
#[test]
fn an_unreachable_lan_gives_a_neutral_answer_with_the_reference() {
    let edge = Edge::start_with(
        |policy| policy.upstream.nodes.iter_mut().for_each(|node| node.port = refusing_port()),
        |configuration| configuration,
    );
    let status = match edge.kind {
        Kind::Envoy => 503,
        Kind::Nginx => 502,
    };
    let (answer, log, reached) = edge.request("GET /oauth2/jwks", "", "");
    assert_eq!((answer.status, reached.len()), (status, 0), "{log}");
    let id = answer.header("x-correlation-id").expect("a correlation id");
    assert!(is_correlation_id(edge.kind, id));
    assert_eq!(answer.text(), format!("The request could not be served ({status}).\nReference: {id}\n"));
    assert_eq!(log["correlation_id"], id);
}

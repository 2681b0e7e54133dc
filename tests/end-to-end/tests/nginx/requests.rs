//! Headers, bodies and answers.
use std::sync::Mutex;

use postern_end_to_end::http2;

use postern_endpoint::RateLimit;

use crate::world::{Edge, FORM};

fn header<'a>(message: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    message.iter().filter(|(header, _)| header == name).map(|(_, value)| value.as_str()).collect()
}

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
                  Cert.Chain-0: forged\r\nx-envoy-external-address: 6.6.6.6\r\nx-forwarded-ssl: forged\r\n";
    let (answer, log, reached) = edge.request("GET /samlsso?SAMLRequest=a%2Bb%3d", forged, "");
    assert_eq!(answer.status, 200, "{log}\n{}", edge.nginx.process.log());
    let [message] = reached.as_slice() else { panic!("{} requests", reached.len()) };
    assert_eq!(message.start_line(), "GET /samlsso?SAMLRequest=a%2Bb%3d HTTP/1.1");
    let headers = message.headers();
    assert_eq!(header(&headers, "x-postern-client-address"), ["127.0.0.1"]);
    let ids = header(&headers, "x-postern-correlation-id");
    assert!(ids.len() == 1 && ids[0].len() == 32 && !ids[0].starts_with("00000000"), "{ids:?}");
    assert_eq!(log["correlation_id"], ids[0]);
    let raw = String::from_utf8_lossy(&message.raw).to_lowercase();
    assert!(!raw.contains("6.6.6.6") && !raw.contains("forged"), "{raw}");
    // A query can hold codes: it is in no log.
    assert_eq!(log["path"], "/samlsso");
    assert!(!log.to_string().contains("SAMLRequest"), "{log}");
}

/// Rates need what the workers share, and `nginx -t` configures the filter before there are any.
#[test]
fn the_rate_of_an_endpoint_holds() {
    let rate = RateLimit { path: "/oauth2/jwks".into(), requests: 1, seconds: 3_600, burst: Some(2) };
    let edge = Edge::start_with(|policy| policy.rules.rate_limits.push(rate), |configuration| configuration);
    let statuses: Vec<u16> = (0..4).map(|_| edge.request("GET /oauth2/jwks", "", "").0.status).collect();
    assert_eq!(statuses, [200, 200, 429, 429], "{}", edge.nginx.process.log());
    let (answer, log, _) = edge.request("GET /oauth2/jwks", "", "");
    assert_eq!((answer.status, &log["reason"]), (429, &"endpoint.rate.exceeded".into()));
    assert!(answer.header("retry-after").is_some());
}

#[test]
fn headers_of_one_name_stay_in_order_and_others_are_left_alone() {
    let edge = Edge::start();
    // Those that are stripped stand first, last and between those that are not.
    let sent = "x-postern-one: s\r\naccept: text/html\r\nx-own: 1\r\nx-postern-two: s\r\nx-own: 2\r\n\
                cookie: a=b\r\ncookie: c=d\r\nx-own: 3\r\nx-postern-three: s\r\n";
    let (answer, log, reached) = edge.request("GET /oauth2/jwks", sent, "");
    assert_eq!(answer.status, 200, "{log}");
    let headers = reached[0].headers();
    assert_eq!(header(&headers, "x-own"), ["1", "2", "3"]);
    assert_eq!(header(&headers, "cookie"), ["a=b", "c=d"]);
    assert_eq!(header(&headers, "accept"), ["text/html"]);
    assert!(
        !headers
            .iter()
            .any(|(name, _)| ["x-postern-one", "x-postern-two", "x-postern-three"].contains(&name.as_str()))
    );
}

#[test]
fn a_refusal_is_neutral_outside_and_has_its_reason_inside() {
    let edge = Edge::start();
    let (answer, log, reached) = edge.request("GET /carbon/admin", "", "");
    assert_eq!((answer.status, reached.len()), (404, 0));
    let id = answer.header("x-correlation-id").expect("a correlation id");
    assert_eq!(answer.text(), format!("Not Found\nReference: {id}\n"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(log["reason"], "endpoint.path.never-public");
    let words = log["refusal"].as_str().expect("words");
    assert!(words.contains("never-public (peer-misbehaved)") && words.contains("/carbon/admin"), "{words}");
    let printed = edge.nginx.process.log();
    assert!(printed.contains(id) && printed.contains("endpoint.path.never-public"), "{printed}");
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

#[test]
fn responses_get_the_headers_that_the_upstream_has_not_set() {
    let headers = "\"response_headers\": { \"x-frame-options\": \"DENY\", \"content-type\": \"text/html\" }";
    let edge = Edge::start_with(
        |_| {},
        |text| {
            assert!(text.contains("\"response_headers\": {}"), "{text}");
            text.replace("\"response_headers\": {}", headers)
        },
    );
    let (answer, ..) = edge.request("GET /oauth2/jwks", "", "");
    assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{:?}", answer.headers);
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    let (answer, ..) = edge.request("GET /carbon", "", "");
    assert_eq!((answer.status, answer.header("x-frame-options")), (404, Some("DENY")));
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
    let (answer, log, reached) = chunked(16, 1000);
    assert_eq!((answer.status, reached.len()), (200, 1), "{log}");
    assert_eq!(reached[0].body.len(), 16_000);
    // The endpoint's limit is 16 KiB.
    for (chunks, size) in [(17, 1000), (1, 16_385), (40, 1000), (60, 1000)] {
        let (answer, log, reached) = chunked(chunks, size);
        assert_eq!((answer.status, reached.len()), (413, 0), "{chunks} times {size}: {log}");
        assert_eq!(log["reason"], "proxy.body.too-large");
    }
    // nginx's own limit, the largest body of any endpoint.
    let (answer, log, reached) = chunked(900, 1000);
    assert_eq!((answer.status, reached.len()), (413, 0), "{log}");
}

#[test]
fn http2_is_judged_by_the_same_rules() {
    let edge = Edge::start();
    let lock = Mutex::new(());
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let send = |method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]| {
        let _one = lock.lock().expect("one at a time");
        edge.upstream.take();
        let before = edge.nginx.logged();
        let answer = http2::send(&edge.origin, method, target, headers, body).expect("an answer");
        let log = edge.nginx.logged_after(before);
        (answer.status, log["reason"].as_str().unwrap_or_default().to_owned(), edge.upstream.take())
    };
    let (status, reason, reached) = send("POST", "/oauth2/token", &form, b"grant_type=x");
    assert_eq!((status, reached.len()), (200, 1), "{reason}\n{}", edge.nginx.process.log());
    assert_eq!(reached[0].body, b"grant_type=x");
    let (status, reason, reached) = send("POST", "/oauth2/token", &form, &[b'a'; 20_000]);
    assert_eq!((status, reason.as_str(), reached.len()), (413, "proxy.body.too-large", 0));
    let (status, reason, reached) = send("GET", "/samlsso/..;/carbon", &[], b"");
    assert_eq!((status, reason.as_str(), reached.len()), (400, "endpoint.path.matrix-parameter", 0));
    let (status, reason, reached) = send("GET", "/samlsso/../carbon", &[], b"");
    assert_eq!((status, reason.as_str(), reached.len()), (400, "endpoint.path.dot-segment", 0));
}

/// A body that has begun and does not come is not waited for.
#[test]
fn a_body_that_does_not_come_is_refused() {
    let edge = Edge::start();
    let (answer, log, reached) =
        edge.request("POST /oauth2/token", &format!("{FORM}transfer-encoding: chunked\r\n"), "3\r\na=1\r\n");
    assert_eq!((answer.status, reached.len()), (408, 0), "{log}");
    assert_eq!(log["reason"], "proxy.body.absent");
    assert_eq!(edge.request("GET /oauth2/jwks", "", "").0.status, 200);
}

/// What nginx's own parser refuses has a reason too.
#[test]
fn refusals_of_nginx_itself_have_a_code() {
    let edge = Edge::start();
    let long = "a".repeat(70_000);
    for (line, headers, status, code) in [
        ("GET /samlsso", "x: \0\r\n".to_owned(), 400, "nginx.request.malformed"),
        ("GET /samlsso", "host: other\r\n".to_owned(), 400, "nginx.request.malformed"),
        (&format!("GET /{long}"), String::new(), 414, "nginx.request.target-too-long"),
        ("GET /samlsso", format!("x: {long}\r\n"), 400, "nginx.request.malformed"),
        (
            "POST /oauth2/token",
            "transfer-encoding: gzip\r\n".to_owned(),
            501,
            "nginx.request.transfer-encoding",
        ),
        ("POST /oauth2/token", "content-length: 9999999\r\n".to_owned(), 413, "nginx.request.body-too-large"),
    ] {
        let (answer, log, reached) = edge.request(line, &headers, "");
        assert_eq!((answer.status, reached.len()), (status, 0), "{line:.80}: {log}");
        assert_eq!(log["reason"], code, "{line:.80}");
    }
    let host = edge.origin.authority();
    let (answer, log, _) = edge.exchange(format!("GET /samlsso HTTP/1.0\r\nhost: {host}\r\n\r\n").as_bytes());
    assert_eq!((answer.status, &log["reason"]), (426, &"nginx.request.version".into()));
    // A filter's refusal keeps its own, and what passed has none.
    assert_eq!(edge.request("GET /carbon", "", "").1["reason"], "endpoint.path.never-public");
    assert_eq!(edge.request("GET /oauth2/jwks", "", "").1["reason"], "");
}

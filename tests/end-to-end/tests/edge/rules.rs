//! Clients, rates, what only reports, headers of responses.
use std::net::Ipv4Addr;
use std::time::Duration;

use postern_edge::Limits;
use postern_end_to_end::proxy::Kind;
use serde_json::Value;

use crate::world::{Edge, FORM, reason, status_from};

/// One client's flood is refused before the filters see it, and costs another client nothing.
#[test]
fn a_client_that_asks_too_often_is_refused_alone() {
    let limits = Limits { client_requests_per_second: 1, client_burst: 3, ..Limits::default() };
    let edge = Edge::start_within(limits);
    // Nobody else has asked, so that the first ones pass.
    let forged = "x-postern-correlation-id: 0123456789abcdef0123456789abcdef\r\nx-forwarded-for: 6.6.6.6\r\n";
    let ask = || edge.request("GET /oauth2/jwks", forged, "");
    for _ in 0..3 {
        assert_eq!(ask().0.status, 200);
    }
    let (answer, log, reached) =
        (0..30).map(|_| ask()).find(|(answer, ..)| answer.status != 200).expect("a refusal");
    assert_eq!((answer.status, reached.len()), (429, 0), "{log}");
    assert_eq!(answer.text(), "Too Many Requests\n");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-correlation-id"), None);
    match edge.kind {
        Kind::Envoy => {
            assert_eq!(log["reason"], "local_rate_limited");
            assert_eq!(log["correlation_id"], Value::Null);
        }
        Kind::Nginx => assert_eq!(log["reason"], "nginx.request.rate-exceeded"),
    }
    assert_eq!(status_from(&edge, Ipv4Addr::new(127, 0, 0, 2)), 200);
    std::thread::sleep(Duration::from_millis(1_200));
    assert_eq!(ask().0.status, 200);
}

/// Many clients together are held to a rate, too.
#[test]
fn all_clients_together_have_a_rate() {
    let limits = Limits { requests_per_second: 1, ..Limits::default() };
    let edge = Edge::start_within(limits);
    let mut statuses = (1..60).map(|last| status_from(&edge, Ipv4Addr::new(127, 0, 1, last)));
    assert_eq!(statuses.next(), Some(200));
    assert!(statuses.any(|status| status == 429));
}

#[test]
fn a_network_is_denied() {
    let edge = Edge::start_with_rules(&[("\"deny\": []", "\"deny\": [\"127.0.0.2/31\"]")]);
    assert_eq!(edge.request("GET /oauth2/jwks", "", "").0.status, 200);
    assert_eq!(status_from(&edge, Ipv4Addr::new(127, 0, 0, 2)), 403);
    assert_eq!(edge.line(1)["reason"], "endpoint.client.denied");
}

#[test]
fn only_what_trusted_proxies_say_about_the_client_is_believed() {
    let forged = "x-forwarded-for: 192.0.2.1, 6.6.6.6\r\n";
    let deny = ("\"deny\": []", "\"deny\": [\"6.6.6.6\"]");
    // By default nothing.
    let edge = Edge::start_with_rules(&[deny]);
    assert_eq!(edge.request("GET /oauth2/jwks", forged, "").0.status, 200);
    let edge = Edge::start_with_rules(&[
        deny,
        ("\"client_address\": \"connection\"", "\"client_address\": { \"trusted_hops\": 1 }"),
        ("\"told_by\": \"proxy\"", "\"told_by\": \"filter\""),
    ]);
    let reason_of = |headers: &str| {
        let (answer, log, reached) = edge.request("GET /oauth2/jwks", headers, "");
        assert_eq!(reached.len(), usize::from(answer.status == 200), "{log}");
        reason(&log).to_owned()
    };
    assert_eq!(reason_of(forged), "endpoint.client.denied");
    assert_eq!(reason_of("x-forwarded-for: 6.6.6.6, 192.0.2.1\r\n"), "via_upstream");
    assert_eq!(reason_of("x-forwarded-for: localhost\r\n"), "endpoint.client-address.malformed");
    assert_eq!(reason_of(""), "endpoint.client-address.hops-missing");
}

/// Each client has a rate of its own at an endpoint, which all workers count together.
#[test]
fn a_client_that_asks_one_endpoint_too_often_waits() {
    let limit = "\"rate_limits\": [{ \"path\": \"/oauth2/token\", \"requests\": 2, \"seconds\": 3600 }]";
    let edge = Edge::start_with_rules(&[("\"rate_limits\": []", limit)]);
    let ask = || edge.request("POST /oauth2/token", &format!("{FORM}content-length: 3\r\n"), "a=1");
    assert_eq!((ask().0.status, ask().0.status), (200, 200));
    let (answer, log, reached) = ask();
    assert_eq!((answer.status, reached.len()), (429, 0), "{log}");
    assert_eq!(log["reason"], "endpoint.rate.exceeded");
    let wait: u32 = answer.header("retry-after").expect("retry-after").parse().expect("seconds");
    assert!((1..=1_800).contains(&wait), "{wait}");
    // Other endpoints and other clients are not meant.
    assert_eq!(edge.request("GET /oauth2/jwks", "", "").0.status, 200);
    assert_eq!(status_from(&edge, Ipv4Addr::new(127, 0, 0, 2)), 200);
}

#[test]
fn a_rule_that_only_reports_lets_through_and_says_so() {
    let codes = "\"report_only\": [\"endpoint.path.unknown\", \"endpoint.method.not-allowed\"]";
    let edge = Edge::start_with_rules(&[("\"report_only\": []", codes)]);
    let (answer, log, reached) = edge.request("GET /not/declared?a=1", "", "");
    assert_eq!((answer.status, reached.len()), (200, 1), "{log}");
    let printed = edge.proxy.log();
    assert!(printed.contains("report only") && printed.contains("endpoint.path.unknown"), "{printed}");
    assert!(printed.contains(log["correlation_id"].as_str().expect("an id")), "{printed}");
    let form = format!("{FORM}content-length: 3\r\n");
    assert_eq!(edge.request("GET /oauth2/token", "", "").0.status, 200);
    // Spellings, what is never public, and what has no switch are refused as ever.
    for (line, reason) in [
        ("GET /not/../declared", "endpoint.path.dot-segment"),
        ("GET /carbon/admin", "endpoint.path.never-public"),
        ("DELETE /oauth2/token", "endpoint.method.not-allowed"),
        ("GET /oauth2/authorize?a=1&a=2", "form.duplicate"),
    ] {
        let (_, log, reached) = edge.request(line, "", "");
        assert_eq!((log["reason"].as_str(), reached.len()), (Some(reason), 0), "{line}");
    }
    assert_eq!(edge.request("POST /not/declared", &form, "a=1").0.status, 200);
}

#[test]
fn responses_get_the_headers_that_the_upstream_has_not_set() {
    let headers = "\"response_headers\": { \"x-frame-options\": \"DENY\", \"content-type\": \"text/html\" }";
    let edge = Edge::start_with_rules(&[("\"response_headers\": {}", headers)]);
    let (answer, ..) = edge.request("GET /oauth2/jwks", "", "");
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    let (answer, ..) = edge.request("GET /carbon", "", "");
    assert_eq!((answer.status, answer.header("x-frame-options")), (404, Some("DENY")));
}

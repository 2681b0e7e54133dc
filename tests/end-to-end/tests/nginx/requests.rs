//! Headers, bodies and answers, beside what `edge_nginx` shows.
use crate::world::{Edge, FORM};

fn header<'a>(message: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    message.iter().filter(|(header, _)| header == name).map(|(_, value)| value.as_str()).collect()
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

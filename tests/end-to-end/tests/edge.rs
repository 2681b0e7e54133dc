//! The generated configuration in a real Envoy, with the endpoint filter, over both TLS legs.
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use postern_edge::{AccessLog, EdgePolicy, Limits, Node, TlsFiles, envoy_configuration};
use postern_end_to_end::certificates::{Authority, Issued};
use postern_end_to_end::client::Origin;
use postern_end_to_end::envoy::Envoy;
use postern_end_to_end::http2_frames::Http2Request;
use postern_end_to_end::process::free_port;
use postern_end_to_end::upstream::Upstream;
use postern_end_to_end::wire::{Answer, Message};
use postern_end_to_end::{http2, tools};
use postern_endpoint::{EdgeRules, EndpointPolicy};
use postern_vectors::{Face, Keys, Verdict, endpoint_policy, load_rule};
use serde_json::Value;
use tempfile::TempDir;

const PUBLIC: &str = "sso.example.com";
const LAN: &str = "postern.lan";
const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

/// Envoy with the generated configuration in front of a recording upstream that demands a
/// client certificate.
struct Edge {
    origin: Origin,
    upstream: Upstream,
    envoy: Envoy,
    access_log: PathBuf,
    _folder: TempDir,
}

impl Edge {
    fn start() -> Self {
        Self::start_with(|configuration| configuration)
    }

    fn start_with(change: impl FnOnce(String) -> String) -> Self {
        Self::start_within(Limits::default(), change)
    }

    /// With rules in the filter's configuration, in place of the empty ones.
    fn start_with_rules(rules: &[(&str, &str)]) -> Self {
        Self::start_with(|configuration| {
            rules.iter().fold(configuration, |text, (empty, rule)| {
                assert!(text.contains(empty), "{empty} is not in the configuration");
                text.replacen(empty, rule, 1)
            })
        })
    }

    fn start_within(limits: Limits, change: impl FnOnce(String) -> String) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let outside = Authority::new(folder.path(), "outside");
        let inside = Authority::new(folder.path(), "inside");
        let (host, client) = (inside.issue("host", &[LAN]), inside.issue("client", &["edge"]));
        let upstream = Upstream::start(Some(inside.server(&host, true)), BTreeMap::new());
        let port = free_port();
        let origin = Origin::tls(port, PUBLIC, outside.client(None));
        let access_log = folder.path().join("access.log");
        let mut policy = policy(
            &origin,
            files(&outside.issue("edge", &[PUBLIC])),
            postern_edge::Upstream::postern(
                Node { address: "127.0.0.1".into(), port: upstream.port },
                LAN,
                inside.certificate_file(),
                files(&client),
            ),
            &access_log,
        );
        policy.limits = limits;
        let configuration = change(envoy_configuration(&policy).expect("a configuration"));
        let envoy = Envoy::start(folder.path(), &configuration, port, access_log.clone());
        Self { origin, upstream, envoy, access_log, _folder: folder }
    }

    /// Sends the bytes and waits for the line of the access log.
    fn exchange(&self, bytes: &[u8]) -> (Answer, Value, Vec<Message>) {
        self.upstream.take();
        let before = self.lines().len();
        let answer = self
            .origin
            .exchange(bytes)
            .unwrap_or_else(|error| panic!("{error}\n{}", self.envoy.process.log()));
        (answer, self.line(before), self.upstream.take())
    }

    fn request(&self, line: &str, headers: &str, body: &str) -> (Answer, Value, Vec<Message>) {
        let host = self.origin.authority();
        self.exchange(
            format!("{line} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n{body}").as_bytes(),
        )
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.access_log).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }

    fn line(&self, index: usize) -> Value {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            if let Some(line) = self.lines().get(index) {
                return serde_json::from_str(line).expect("JSON");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("Envoy logged no request:\n{}", self.envoy.process.log());
    }
}

fn policy(origin: &Origin, tls: TlsFiles, upstream: postern_edge::Upstream, access_log: &Path) -> EdgePolicy {
    let table = EndpointPolicy::from_json(endpoint_policy(&origin.base_url()).as_bytes()).expect("a policy");
    EdgePolicy {
        listener: SocketAddr::from(([127, 0, 0, 1], origin.port)),
        tls,
        client_authority: None,
        key_clusters: Vec::new(),
        hosts: table.hosts,
        upstream,
        endpoints: table.endpoints,
        assets: table.assets,
        endpoint_filter: tools::filter("endpoint-filter"),
        saml_decoder: None,
        token_validator: None,
        guard: None,
        administration: None,
        access_log: AccessLog::File(access_log.into()),
        limits: Limits::default(),
        rules: EdgeRules::default(),
        feed: None,
    }
}

fn files(issued: &Issued) -> TlsFiles {
    TlsFiles { certificate_chain: issued.certificate_file.clone(), private_key: issued.key_file.clone() }
}

fn header<'a>(message: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    message.iter().filter(|(header, _)| header == name).map(|(_, value)| value.as_str()).collect()
}

fn is_correlation_id(text: &str) -> bool {
    // A UUID: Envoy's.
    text.len() == 36
        && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[test]
fn envoy_validates_it() {
    let edge = Edge::start();
    let file = edge._folder.path().join("envoy.yaml");
    let output =
        Command::new(tools::envoy()).args(["--mode", "validate", "-c"]).arg(file).output().expect("Envoy");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The filter knows the version that it runs in, and would refuse an Envoy without the fixes.
    let log = edge.envoy.process.log();
    assert!(!log.contains("not in an Envoy that tells its version"), "{log}");
}

/// Every vector of the endpoint rule, through exactly the generated configuration.
#[test]
fn the_catalogue_is_refused_and_nothing_reaches_the_lan() {
    let edge = Edge::start();
    let mut wrong = Vec::new();
    for vector in load_rule("endpoint") {
        if vector.exempt(Face::Filter).is_some() {
            continue;
        }
        let requests = vector.materialise(Keys::shared(), 0, &edge.origin.base_url(), 0);
        let request = requests.last().expect("a request");
        let bytes = postern_end_to_end::wire::request(request, &edge.origin.authority());
        let (answer, log, reached) = edge.exchange(&bytes);
        let reason = log["reason"].as_str().unwrap_or_default().to_owned();
        // Envoy drops headers with an underscore before the filter sees them.
        let underscored = request.headers.iter().any(|(name, _)| name.contains('_'));
        let found = match &vector.verdict {
            _ if underscored
                && reached
                    .iter()
                    .all(|message| !message.headers().iter().any(|(name, _)| name.contains('_'))) =>
            {
                continue;
            }
            Verdict::Accept if reached.len() == 1 && answer.status == 200 => {
                let line = reached[0].start_line();
                let target = line.split(' ').nth(1).unwrap_or_default().as_bytes();
                if target == request.target { continue } else { format!("the LAN saw {line}") }
            }
            Verdict::Refuse { code, status }
                if reached.is_empty() && answer.status == *status && reason == *code =>
            {
                let id = answer.header("x-correlation-id").unwrap_or_default();
                assert!(is_correlation_id(id), "{}", vector.name);
                assert_eq!(log["correlation_id"], id, "{}", vector.name);
                continue;
            }
            _ => format!("{} {reason}, {} reached the LAN", answer.status, reached.len()),
        };
        wrong.push(format!("{}: expected {:?}, found {found}", vector.name, vector.verdict));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_lan_is_told_who_the_client_is_by_the_filter_alone() {
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
    assert_eq!(answer.status, 200);
    let [message] = reached.as_slice() else { panic!("{} requests", reached.len()) };
    assert_eq!(message.start_line(), "GET /samlsso?SAMLRequest=a%2Bb%3d HTTP/1.1");
    let headers = message.headers();
    assert_eq!(header(&headers, "x-postern-client-address"), ["127.0.0.1"]);
    let ids = header(&headers, "x-postern-correlation-id");
    assert!(ids.len() == 1 && is_correlation_id(ids[0]) && !ids[0].starts_with("00000000"), "{ids:?}");
    assert_eq!(log["correlation_id"], ids[0]);
    let raw = String::from_utf8_lossy(&message.raw).to_lowercase();
    assert!(!raw.contains("6.6.6.6") && !raw.contains("forged"), "{raw}");
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
    let log = edge.envoy.process.log();
    assert!(log.contains(id) && log.contains("endpoint.path.never-public"), "{log}");
    let (answer, ..) = edge.request("DELETE /samlsso", "", "");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, POST")));
}

/// What Envoy refuses before the first filter still has the header that the client sent.
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

/// One client's flood is refused before the filters see it, and costs another client nothing.
#[test]
fn a_client_that_asks_too_often_is_refused_alone() {
    let limits = Limits { client_requests_per_second: 1, client_burst: 3, ..Limits::default() };
    let edge = Edge::start_within(limits, |configuration| configuration);
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
    assert_eq!(log["reason"], "local_rate_limited");
    assert_eq!(log["correlation_id"], Value::Null);
    assert_eq!(status_from(&edge, Ipv4Addr::new(127, 0, 0, 2)), 200);
    std::thread::sleep(Duration::from_millis(1_200));
    assert_eq!(ask().0.status, 200);
}

/// Many clients together are held to a rate, too.
#[test]
fn all_clients_together_have_a_rate() {
    let limits = Limits { requests_per_second: 1, ..Limits::default() };
    let edge = Edge::start_within(limits, |configuration| configuration);
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
    let reason = |headers: &str| {
        let (answer, log, reached) = edge.request("GET /oauth2/jwks", headers, "");
        assert_eq!(reached.len(), usize::from(answer.status == 200), "{log}");
        log["reason"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(reason(forged), "endpoint.client.denied");
    assert_eq!(reason("x-forwarded-for: 6.6.6.6, 192.0.2.1\r\n"), "via_upstream");
    assert_eq!(reason("x-forwarded-for: localhost\r\n"), "endpoint.client-address.malformed");
    assert_eq!(reason(""), "endpoint.client-address.hops-missing");
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
    let printed = edge.envoy.process.log();
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

/// The status that a client with that address gets.
fn status_from(edge: &Edge, address: Ipv4Addr) -> u16 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from((address, 0))).expect("an address of this machine");
        let stream = socket.connect(SocketAddr::from(([127, 0, 0, 1], edge.origin.port))).await;
        stream.and_then(tokio::net::TcpStream::into_std).expect("a connection")
    });
    stream.set_nonblocking(false).expect("a blocking socket");
    let tls = edge.origin.tls.clone().expect("TLS");
    let connection =
        rustls::ClientConnection::new(tls, PUBLIC.try_into().expect("a name")).expect("a client");
    let mut stream = rustls::StreamOwned::new(connection, stream);
    let request = format!(
        "GET /oauth2/jwks HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
        edge.origin.authority()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut status = [0; 12];
    stream.read_exact(&mut status).expect("a status line");
    String::from_utf8_lossy(&status).rsplit(' ').next().and_then(|text| text.parse().ok()).expect("a status")
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
    for (chunks, size) in [(17, 1000), (1, 16_385), (40, 1000)] {
        let (answer, log, reached) = chunked(chunks, size);
        assert_eq!((answer.status, reached.len()), (413, 0), "{chunks} times {size}: {log}");
        assert_eq!(log["reason"], "proxy.body.too-large");
    }
    // Envoy's own limit, beyond what a filter holds.
    let (answer, log, reached) = chunked(300, 1000);
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

/// Without the setting Envoy never shows the body: the filter refuses instead of waiting.
#[test]
fn a_body_that_can_not_be_held_is_refused() {
    let edge = Edge::start_with(|configuration| {
        let off = configuration
            .replace("allow_on_headers_stop_iteration: true", "allow_on_headers_stop_iteration: false");
        assert_ne!(off, configuration);
        off
    });
    let begun = Instant::now();
    let (answer, log, reached) = edge.request(
        "POST /oauth2/token",
        &format!("{FORM}transfer-encoding: chunked\r\n"),
        "3\r\na=1\r\n0\r\n\r\n",
    );
    assert_eq!((answer.status, reached.len()), (408, 0), "{log}");
    assert_eq!(log["reason"], "proxy.body.absent");
    assert!(
        log["refusal"].as_str().is_some_and(|words| words.contains("allow_on_headers_stop_iteration")),
        "{log}"
    );
    assert!(begun.elapsed() < Duration::from_secs(18), "{:?}", begun.elapsed());
    // A request without a body, or with an announced one, is not held.
    assert_eq!(edge.request("GET /oauth2/jwks", "", "").0.status, 200);
    let announced = format!("{FORM}content-length: 3\r\n");
    assert_eq!(edge.request("POST /oauth2/token", &announced, "a=1").0.status, 200);
}

/// What Envoy itself answers says nothing about the LAN.
#[test]
fn an_unreachable_lan_gives_a_neutral_answer_with_the_reference() {
    let edge = Edge::start_with(|configuration| {
        // The last address is the LAN's.
        let last = configuration.rsplit("port_value: ").next().unwrap_or_default();
        let port = last.split(' ').next().expect("its port").to_owned();
        configuration.replace(&format!("port_value: {port} "), &format!("port_value: {} ", free_port()))
    });
    let (answer, log, reached) = edge.request("GET /oauth2/jwks", "", "");
    assert_eq!((answer.status, reached.len()), (503, 0), "{log}");
    let id = answer.header("x-correlation-id").expect("a correlation id");
    assert!(is_correlation_id(id));
    assert_eq!(answer.text(), format!("The request could not be served (503).\nReference: {id}\n"));
    assert_eq!(log["correlation_id"], id);
}

/// A configuration that exposes management is refused by the filter itself, too.
#[test]
fn envoy_does_not_start_with_a_policy_that_exposes_management() {
    let edge = Edge::start();
    let file = edge._folder.path().join("exposing.yaml");
    let text = fs::read_to_string(edge._folder.path().join("envoy.yaml")).expect("the configuration");
    let exposing = text.replace("\"path\": \"/oauth2/jwks\"", "\"path\": \"/console\"");
    assert_ne!(exposing, text);
    fs::File::create(&file).and_then(|mut out| out.write_all(exposing.as_bytes())).expect("a file");
    let output = Command::new(tools::envoy())
        .arg("-c")
        .arg(&file)
        .args(["--disable-hot-restart", "--concurrency", "1"])
        .output()
        .expect("Envoy");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && log.contains("endpoints[4].path: /console is never public"), "{log}");
}

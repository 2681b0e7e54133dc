//! Raw bytes into the public listener's handler, over a store, keys and pages as they are.

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hyper_util::rt::TokioIo;
use postern_kernel::flow::{EnabledProtocol, ModuleSet};
use postern_kernel::module::{
    Audience, Description, Document, Endpoint, Method, ModuleFailure, Outcome, ProtocolModule, Refusal,
    Registration, Request, Response, SignOn,
};
use postern_kernel::services::ModuleServices;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::task::JoinHandle;

use super::answer;
use crate::compose::{self, Opened};
use crate::config;
use crate::listener::Peer;
use crate::listener::tests::established;
use crate::live::Live;

/// A protocol with one page endpoint and one for machines. It keeps what it is asked, and answers
/// with the document that it is given.
struct Echo {
    description: Description,
    seen: Arc<Mutex<Vec<Request>>>,
    document: Document,
}

impl Echo {
    fn new(document: Document) -> Self {
        let endpoint = |path: &str, audience| Endpoint {
            path: path.into(),
            methods: vec![Method::Get, Method::Post],
            content_types: vec!["application/x-www-form-urlencoded".into()],
            max_body: 16,
            max_query: 32,
            query_parameters: vec!["q".into()],
            ignores_other_parameters: false,
            audience,
        };
        let description = Description {
            name: "echo".into(),
            title: "Echo".into(),
            endpoints: vec![endpoint("/echo", Audience::Browser), endpoint("/api/echo", Audience::Machine)],
            signing: Vec::new(),
            edge_fields: Vec::new(),
        };
        Self { description, seen: Arc::default(), document }
    }
}

#[async_trait]
impl ProtocolModule for Echo {
    fn description(&self) -> &Description {
        &self.description
    }

    async fn handle(&self, _: Arc<ModuleServices>, request: Request) -> Result<Outcome, ModuleFailure> {
        self.seen.lock().unwrap().push(request);
        Ok(Outcome::Respond(Response::Document(self.document.clone())))
    }

    async fn resume(&self, _: Arc<ModuleServices>, _: Vec<u8>, _: SignOn) -> Result<Response, ModuleFailure> {
        Ok(Response::SignedOut)
    }

    async fn logged_out(
        &self,
        _: Arc<ModuleServices>,
        _: Vec<u8>,
        _: bool,
    ) -> Result<Response, ModuleFailure> {
        Ok(Response::SignedOut)
    }

    async fn register(
        &self,
        _: Arc<ModuleServices>,
        _: Vec<u8>,
    ) -> Result<Result<Registration, Refusal>, ModuleFailure> {
        Ok(Ok(Registration {
            identifier: "x".into(),
            name: None,
            settings: "{}".into(),
            needs_secret: false,
        }))
    }
}

struct Public {
    live: Arc<Live>,
    opened: Opened,
    seen: Arc<Mutex<Vec<Request>>>,
    folder: tempfile::TempDir,
}

fn json(status: u16, headers: &[(&str, &str)]) -> Document {
    Document {
        status,
        content_type: "application/json".into(),
        headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        body: b"{}".to_vec(),
        refusal: None,
    }
}

impl Public {
    async fn with(document: Document) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("postern.toml");
        let text = "base_url = \"https://sso.example.com\"\n[public]\nlisten = \"127.0.0.1:0\"\ncertificate = \"c\"\n\
                    key = \"k\"\nclient_ca = \"a\"\n[management]\nlisten = \"127.0.0.1:0\"\ncertificate = \"c\"\nkey = \"k\"\n";
        std::fs::write(&file, text).unwrap();
        let configuration = config::load(&file).unwrap();
        let opened = Opened::open(&configuration).await.unwrap();
        let echo = Echo::new(document);
        let seen = Arc::clone(&echo.seen);
        let mut modules = ModuleSet::default();
        let enabled = EnabledProtocol { module: Arc::new(echo), settings: "{}".into() };
        modules.protocols.insert("echo".into(), enabled);
        let live = compose::live(&configuration, &opened, modules).unwrap();
        Self { live: Arc::new(live), opened, seen, folder }
    }

    async fn new() -> Self {
        Self::with(json(200, &[])).await
    }

    /// Sends the bytes on one connection and returns the answer's text.
    async fn send(&self, bytes: &str, has_certificate: bool) -> String {
        let (ours, served) = self.connect(has_certificate, false);
        let (mut read, mut write) = tokio::io::split(ours);
        write.write_all(bytes.as_bytes()).await.unwrap();
        let mut text = Vec::new();
        read.read_to_end(&mut text).await.unwrap();
        let _ = served.await;
        String::from_utf8_lossy(&text).into_owned()
    }

    /// A connection to the listener, after its handshake.
    fn connect(&self, has_certificate: bool, is_http2: bool) -> (DuplexStream, JoinHandle<()>) {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let peer = Peer { address: "192.0.2.7:5000".parse().unwrap(), has_certificate };
        let (live, metrics) = (Arc::clone(&self.live), Arc::clone(&self.opened.metrics));
        let handler = move |peer, request| answer(Arc::clone(&live), Arc::clone(&metrics), peer, request);
        (ours, tokio::spawn(established(theirs, peer, is_http2, handler)))
    }

    async fn get(&self, target: &str) -> String {
        let request = format!(
            "GET {target} HTTP/1.1\r\nhost: sso.example.com\r\nconnection: close\r\n\
             x-postern-client-address: 203.0.113.9\r\n\r\n"
        );
        self.send(&request, true).await
    }

    fn audit(&self) -> String {
        std::fs::read_to_string(Path::new(self.folder.path()).join("state/audit.jsonl")).unwrap_or_default()
    }

    /// The reason code of the refusal that was written down last.
    fn last_code(&self) -> String {
        let audit = self.audit();
        let event: serde_json::Value = serde_json::from_str(audit.lines().last().unwrap()).unwrap();
        assert_eq!(event["event"], "request.refused");
        event["fields"]["code"].as_str().unwrap().to_owned()
    }
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[tokio::test]
async fn a_declared_endpoint_is_served_as_it_came() {
    let public = Public::new().await;
    let answer = public.get("/echo?q=a%2Fb+c").await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(header(&answer, "cache-control"), Some("no-store"));
    assert_eq!(header(&answer, "x-content-type-options"), Some("nosniff"));
    assert!(header(&answer, "x-correlation-id").is_some());
    let seen = public.seen.lock().unwrap();
    assert_eq!((seen[0].path.as_str(), seen[0].query.as_str()), ("/echo", "q=a%2Fb+c"));
}

#[tokio::test]
async fn what_is_not_declared_or_not_canonical_reaches_no_module() {
    let public = Public::new().await;
    for (target, expected, code) in [
        ("/carbon", 404, "endpoint.path.never-public"),
        ("/metrics", 404, "endpoint.path.never-public"),
        ("/nothing", 404, "endpoint.path.unknown"),
        ("/echo/", 404, "endpoint.path.unknown"),
        ("/x/../echo", 400, "endpoint.path.dot-segment"),
        ("/x/..;/echo", 400, "endpoint.path.matrix-parameter"),
        ("/%65cho", 400, "endpoint.path.encoded-unreserved"),
        ("//echo", 400, "endpoint.path.doubled-slash"),
        ("https://sso.example.com/echo", 400, "endpoint.target.absolute-form"),
        ("/echo?other=1", 400, "endpoint.parameter.unknown"),
        ("/echo?q=1&q=2", 400, "form.duplicate"),
    ] {
        let answer = public.get(target).await;
        assert_eq!(status(&answer), expected, "{target}: {answer}");
        let audit = public.audit();
        let last = audit.lines().last().unwrap_or_default();
        assert!(last.contains(code), "{target}: {last}");
        assert!(!answer.contains(code), "the reason stays inside: {answer}");
    }
    assert!(public.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_method_that_is_not_declared_is_told_what_is() {
    let public = Public::new().await;
    let request = "DELETE /echo HTTP/1.1\r\nhost: sso.example.com\r\nconnection: close\r\n\r\n";
    let answer = public.send(request, false).await;
    assert_eq!(status(&answer), 405);
    assert_eq!(header(&answer, "allow"), Some("GET, POST"));
}

#[tokio::test]
async fn another_host_is_refused() {
    let public = Public::new().await;
    let request = "GET /echo HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
    assert_eq!(status(&public.send(request, false).await), 421);
}

#[tokio::test]
async fn a_body_stays_within_what_was_declared() {
    let public = Public::new().await;
    let post = |length: usize, body: &str| {
        format!(
            "POST /api/echo HTTP/1.1\r\nhost: sso.example.com\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded; charset=utf-8\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    assert_eq!(status(&public.send(&post(3, "a=1"), false).await), 200);
    assert_eq!(status(&public.send(&post(17, "a=123456789012345"), false).await), 413);
    let chunked = "POST /api/echo HTTP/1.1\r\nhost: sso.example.com\r\nconnection: close\r\n\
                   content-type: application/x-www-form-urlencoded\r\ntransfer-encoding: chunked\r\n\r\n\
                   11\r\na=123456789012345\r\n0\r\n\r\n";
    let answer = public.send(chunked, false).await;
    assert_eq!(status(&answer), 413, "{answer}");
    assert!(answer.contains("\"error\":\"invalid_request\""), "a machine gets JSON: {answer}");
    assert_eq!(public.last_code(), "server.body.too-large");
    let seen = public.seen.lock().unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].content_type.as_deref(), Some("application/x-www-form-urlencoded"));
}

/// The start of a request whose body comes in pieces.
const CHUNKED: &str = "POST /api/echo HTTP/1.1\r\nhost: sso.example.com\r\nconnection: close\r\n\
    content-type: application/x-www-form-urlencoded\r\ntransfer-encoding: chunked\r\n\r\n";

#[tokio::test]
async fn a_body_that_is_not_well_formed_is_refused() {
    let public = Public::new().await;
    let _ = public.send(&format!("{CHUNKED}2\r\na=\r\nZZ\r\n"), false).await;
    // The connection may be gone before the task that answers has ended.
    for _ in 0..500 {
        if !public.audit().is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(public.last_code(), "server.body.broken");
    assert!(public.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let public = Public::new().await;
    // Time goes on by itself whenever everything waits.
    tokio::time::pause();
    let answer = public.send(&format!("{CHUNKED}2\r\na=\r\n"), false).await;
    assert_eq!(status(&answer), 408, "{answer}");
    assert_eq!(public.last_code(), "server.body.too-slow");
    assert!(public.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn over_http2_a_host_that_is_not_the_authority_is_refused() {
    let public = Public::new().await;
    let (ours, _served) = public.connect(false, true);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(executor, TokioIo::new(ours)).await.unwrap();
    tokio::spawn(connection);
    for (host, expected) in [("sso.example.com", 200), ("evil.example", 400)] {
        let request = axum::http::Request::get("https://sso.example.com/echo").header("host", host);
        let answer = client.send_request(request.body(String::new()).unwrap()).await.unwrap();
        assert_eq!(answer.status().as_u16(), expected, "{host}");
    }
    assert_eq!(public.last_code(), "server.host.conflict");
    assert_eq!(public.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_proxys_word_counts_only_with_its_certificate() {
    let public = Public::new().await;
    let request = "GET /carbon HTTP/1.1\r\nhost: sso.example.com\r\nconnection: close\r\n\
                   x-postern-client-address: 203.0.113.9\r\nx-postern-correlation-id: from-the-proxy\r\n\r\n";
    let told = public.send(request, true).await;
    assert_eq!(header(&told, "x-correlation-id"), Some("from-the-proxy"));
    assert!(public.audit().contains("\"address\":\"203.0.113.9\""));
    let untold = public.send(request, false).await;
    assert_ne!(header(&untold, "x-correlation-id"), Some("from-the-proxy"));
    assert!(public.audit().lines().last().unwrap().contains("\"address\":\"192.0.2.7\""));
}

#[tokio::test]
async fn a_proxy_that_does_not_say_who_asks_is_refused() {
    let public = Public::new().await;
    let request = |header: &str| {
        format!("GET /echo HTTP/1.1\r\nhost: sso.example.com\r\nconnection: close\r\n{header}\r\n")
    };
    let good = "x-postern-client-address: 2001:db8::7\r\n";
    for header in ["", "x-postern-client-address: unknown\r\n", &good.repeat(2)] {
        let answer = public.send(&request(header), true).await;
        assert_eq!(status(&answer), 502, "{header}: {answer}");
        assert_eq!(public.last_code(), "server.proxy.client-address");
    }
    let keys = |header: &str| request(header).replace("/echo", "/api/echo");
    let answer = public.send(&keys("authorization: Bearer x\r\n"), true).await;
    assert_eq!(status(&answer), 502, "{answer}");
    assert!(public.seen.lock().unwrap().is_empty());
    assert_eq!(status(&public.send(&keys(""), true).await), 200, "a filter fetches keys on behalf of nobody");
    assert_eq!(status(&public.send(&request(good), true).await), 200);
    assert_eq!(
        status(&public.send(&request(""), false).await),
        200,
        "nobody's word is needed without a proxy"
    );
}

#[tokio::test]
async fn heads_that_can_be_read_in_two_ways_reach_no_module_and_are_written_down() {
    let public = Public::new().await;
    let post = "POST /api/echo HTTP/1.1\r\nhost: sso.example.com\r\n\
                content-type: application/x-www-form-urlencoded\r\n";
    let get = |target: &str, version: &str| format!("GET {target} {version}\r\nhost: sso.example.com\r\n");
    for (head, expected, code) in [
        (
            format!("{post}content-length: 3\r\ntransfer-encoding: chunked\r\n"),
            400,
            "endpoint.framing.ambiguous",
        ),
        (format!("{post}transfer-encoding: gzip\r\n"), 400, "endpoint.framing.unknown-coding"),
        (format!("{post}content-length: 3\r\ncontent-length: 3\r\n"), 400, "endpoint.header.duplicate"),
        (format!("{post}content-length: +3\r\n"), 400, "endpoint.body.length-malformed"),
        (get("/echo#x", "HTTP/1.1"), 400, "endpoint.target.fragment"),
        (get("/echo x", "HTTP/1.1"), 400, "endpoint.target.space"),
        (get("/echo\0", "HTTP/1.1"), 400, "endpoint.target.nul"),
        (get("/carbon", "HTTP/1.0"), 404, "endpoint.path.never-public"),
        (get("/echo", "HTTP/1.0"), 505, "server.head.version"),
        (format!("{} folded: x\r\n", get("/echo", "HTTP/1.1")), 400, "server.head.malformed"),
        (format!("{}a: b\nc: d\r\n", get("/echo", "HTTP/1.1")), 400, "server.head.malformed"),
        ("GET /echo\r\n".to_owned(), 400, "server.head.malformed"),
        ("CONNECT sso.example.com:443 HTTP/1.1\r\n".to_owned(), 400, "endpoint.target.authority-form"),
    ] {
        // What follows would be a request of its own to who reads it otherwise.
        let answer = public
            .send(&format!("{head}\r\nGET /echo HTTP/1.1\r\nhost: sso.example.com\r\n\r\n"), false)
            .await;
        assert_eq!(status(&answer), expected, "{head:?}: {answer}");
        assert_eq!(public.last_code(), code, "{head:?}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "the connection ends: {answer}");
    }
    assert!(public.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_up_to_the_refused_one() {
    let public = Public::new().await;
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: sso.example.com\r\n\r\n");
    let bytes = format!("{}{}{}{}", get("/echo?q=1"), get("/carbon"), get("/echo#2"), get("/echo?q=3"));
    let answers = public.send(&bytes, false).await;
    let statuses: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "404", "400"]);
    assert_eq!(public.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_module_can_send_neither_a_page_nor_a_header_of_its_choice() {
    let page = Document { content_type: "Text/HTML".into(), ..json(200, &[]) };
    for document in [page, json(200, &[("set-cookie", "a=b")]), json(200, &[("x", "a\r\nb: c")])] {
        let public = Public::with(document).await;
        let answer = public.get("/echo").await;
        assert_eq!(status(&answer), 500, "{answer}");
        assert!(header(&answer, "set-cookie").is_none());
    }
    let public = Public::with(json(401, &[("WWW-Authenticate", "Bearer")])).await;
    let answer = public.get("/echo").await;
    assert_eq!((status(&answer), header(&answer, "www-authenticate")), (401, Some("Bearer")));
}

#[tokio::test]
async fn a_form_from_another_site_and_a_transaction_of_nobody_are_refused() {
    let public = Public::new().await;
    let body = "t=x&anti-forgery=y&action=sign-in&f.username=a&f.password=secret-value";
    let post = |site: &str| {
        format!(
            "POST /commonauth HTTP/1.1\r\nhost: sso.example.com\r\nconnection: close\r\nsec-fetch-site: {site}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    assert_eq!(status(&public.send(&post("cross-site"), false).await), 400);
    assert!(public.audit().contains("server.form.cross-site"));
    assert_eq!(status(&public.send(&post("same-origin"), false).await), 400);
    assert_eq!(status(&public.get("/commonauth?t=nobodys").await), 400);
    assert_eq!(status(&public.get("/authenticationendpoint/login?t=nobodys").await), 400);
    assert_eq!(status(&public.get("/commonauth").await), 400);
    assert_eq!(public.last_code(), "server.transaction.absent");
    assert!(!public.audit().contains("secret-value"));
}

#[tokio::test]
async fn the_style_sheet_is_served_to_be_kept() {
    let public = Public::new().await;
    let answer = public.get(public.live.pages.assets().style()).await;
    assert_eq!(status(&answer), 200);
    assert_eq!(header(&answer, "cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(status(&public.get("/authenticationendpoint/assets/nothing.css").await), 404);
}

/// What policies are told of is the proxy's word: of nobody else, once, and printable.
#[tokio::test]
async fn headers_for_policies_are_believed_of_the_proxy_alone() {
    let public = Public::new().await;
    let mut modules = ModuleSet::clone(&public.live.flow.modules());
    modules.policies.headers = vec!["x-country".into(), "x-risk".into()];
    public.live.flow.replace_modules(modules);
    let told = |values: &[&[u8]], has_certificate: bool| {
        let mut headers = axum::http::HeaderMap::new();
        headers.insert("x-postern-client-address", "203.0.113.9".parse().unwrap());
        headers.insert("x-other", "1".parse().unwrap());
        for value in values {
            headers.append("x-country", axum::http::HeaderValue::from_bytes(value).unwrap());
        }
        let peer = Peer { address: "192.0.2.7:5000".parse().unwrap(), has_certificate };
        super::visitor::read(&public.live, peer, &headers).0.headers
    };
    let at = |value: &str| vec![("x-country".to_owned(), value.to_owned())];
    assert_eq!(told(&[b"AT"], true), at("AT"));
    assert_eq!(told(&[b""], true), at(""));
    assert_eq!(told(&[b"AT"], false), []);
    assert_eq!(told(&[b"AT", b"AT"], true), []);
    assert_eq!(told(&["\u{c4}T".as_bytes()], true), []);
    assert_eq!(told(&[&[b'a'; 257]], true), []);
    assert_eq!(told(&[], true), []);
}

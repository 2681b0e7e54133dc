//! Calls over real sockets, to a server whose certificate an authority of the test has issued, by a resolver
//! that answers as the test says.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use postern_kernel::clock::{Clock, Timestamp};
use postern_kernel::outbound::{
    Outbound as _, OutboundAnswer, OutboundError, OutboundFailure, OutboundMethod, OutboundRequest,
};
use postern_outbound::{
    Authorities, Credential, CredentialKind, HttpOutbound, Policy, Resolver, SystemResolver,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000)
    }
}

/// Answers each question with the next of its lists, and then with the last one.
struct Turning {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Turning {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parsed = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self { answers: answers.iter().map(parsed).collect(), asked: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Resolver for Turning {
    async fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.answers[turn.min(self.answers.len() - 1)].clone())
    }
}

/// A server with a certificate for `op.example` and 127.0.0.1, and what it received.
struct Server {
    port: u16,
    authorities: Authorities,
    received: Arc<Mutex<Vec<String>>>,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn authorities(authority: &CertifiedIssuer<'_, KeyPair>) -> Authorities {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::SeqCst);
    let file = std::env::temp_dir().join(format!("postern-outbound-{}-{count}.pem", std::process::id()));
    std::fs::write(&file, authority.pem()).unwrap();
    let authorities = Authorities::of_file(&file).unwrap();
    std::fs::remove_file(file).unwrap();
    authorities
}

async fn server() -> Server {
    let authority = authority();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["op.example".into(), "127.0.0.1".into()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&received);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, log) = (acceptor.clone(), Arc::clone(&log));
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let _ = serve(&mut stream, &log).await;
            });
        }
    });
    Server { port, authorities: authorities(&authority), received }
}

/// Reads a request and answers by its path.
async fn serve(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    log: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 4_096];
    let text = loop {
        let length = stream.read(&mut buffer).await?;
        request.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let expected = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if length == 0 || body.len() >= expected.map_or(0, |length| length.parse().unwrap()) {
            break text;
        }
    };
    let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
    log.lock().unwrap().push(text);
    let plain = |status: &str, headers: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
    };
    let answer = match path.as_str() {
        "/kept" => plain("200 OK", "Cache-Control: max-age=60\r\nSet-Cookie: a=b\r\n", "kept"),
        "/redirect" => plain("302 Found", "Location: https://10.0.0.1/admin\r\n", ""),
        "/large" => "HTTP/1.1 200 OK\r\nContent-Length: 524289\r\n\r\n".into(),
        "/endless" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await?;
            loop {
                stream.write_all(format!("10000\r\n{}\r\n", "x".repeat(0x10000)).as_bytes()).await?;
            }
        }
        "/endless-head" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
            loop {
                stream.write_all(format!("x: {}\r\n", "y".repeat(1_000)).as_bytes()).await?;
            }
        }
        "/silent" => {
            std::future::pending::<()>().await;
            String::new()
        }
        "/cut" => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".into(),
        "/gzip" => plain("200 OK", "Content-Encoding: gzip\r\n", "bomb"),
        "/switching" => {
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".into()
        }
        "/no-http" => "SSH-2.0-OpenSSH\r\n\r\n".into(),
        _ => plain("200 OK", "Content-Type: text/plain\r\nServer: x\r\n", "hello"),
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

impl Server {
    fn url(&self, path: &str) -> String {
        format!("https://op.example:{}{path}", self.port)
    }

    /// With `op.example` and 127.0.0.1 granted, and these networks.
    fn outbound(&self, networks: &[&str], resolver: Arc<dyn Resolver>) -> HttpOutbound {
        self.outbound_by(&self.authorities, networks, resolver)
    }

    fn outbound_by(
        &self,
        authorities: &Authorities,
        networks: &[&str],
        resolver: Arc<dyn Resolver>,
    ) -> HttpOutbound {
        let host = |name: &str| format!("{name}:{}", self.port).parse().unwrap();
        let secret =
            Credential::new(host("op.example"), &CredentialKind::Basic("postern"), "a secret").unwrap();
        let policy = Policy {
            hosts: vec![host("op.example"), host("127.0.0.1"), "169.254.169.254".parse().unwrap()],
            networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
            credentials: BTreeMap::from([("client".into(), secret)]),
        };
        HttpOutbound::new(BTreeMap::from([("op".into(), policy)]), authorities, resolver, Arc::new(Noon))
    }

    fn received(&self) -> usize {
        self.received.lock().unwrap().len()
    }
}

fn get(url: &str) -> OutboundRequest {
    OutboundRequest {
        method: OutboundMethod::Get,
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
        credential: None,
        cached: false,
    }
}

const LOOPBACK: &[&str] = &["127.0.0.0/8"];

fn here() -> Arc<Turning> {
    Turning::new(&[&["127.0.0.1"]])
}

fn failure(answer: Result<OutboundAnswer, OutboundError>) -> OutboundFailure {
    answer.unwrap_err().failure
}

#[tokio::test]
async fn a_granted_host_answers() {
    let server = server().await;
    let outbound = server.outbound(LOOPBACK, here());
    let request = OutboundRequest {
        method: OutboundMethod::Post,
        headers: vec![("content-type".into(), "text/plain".into())],
        body: b"a=b".to_vec(),
        credential: Some("client".into()),
        ..get(&server.url("/token?x=y"))
    };
    let answer = outbound.send("op", request).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"hello".as_slice()));
    assert_eq!(answer.headers, [("content-type".to_owned(), "text/plain".to_owned())]);
    let received = server.received.lock().unwrap()[0].to_ascii_lowercase();
    assert!(received.starts_with("post /token?x=y http/1.1\r\n"), "{received}");
    assert!(received.ends_with("\r\n\r\na=b"), "{received}");
    assert!(received.contains(&format!("\r\nhost: op.example:{}\r\n", server.port)), "{received}");
    assert!(received.contains("\r\nauthorization: basic cg9zdgvybjphk3nly3jlda==\r\n"), "{received}");
}

#[tokio::test]
async fn what_is_not_granted_is_not_called() {
    let server = server().await;
    let outbound = server.outbound(LOOPBACK, here());
    for url in ["https://evil.example/", "https://op.example/", &server.url("").replace("op.", "x.op.")] {
        assert_eq!(failure(outbound.send("op", get(url)).await), OutboundFailure::Ungranted, "{url}");
    }
    assert_eq!(failure(outbound.send("another", get(&server.url("/"))).await), OutboundFailure::Ungranted);
    let unknown = OutboundRequest { credential: Some("other".into()), ..get(&server.url("/")) };
    assert_eq!(failure(outbound.send("op", unknown).await), OutboundFailure::Ungranted);
    // The secret is for the name, not for the address behind it.
    let elsewhere = OutboundRequest {
        credential: Some("client".into()),
        ..get(&format!("https://127.0.0.1:{}/", server.port))
    };
    assert_eq!(failure(outbound.send("op", elsewhere).await), OutboundFailure::Ungranted);
    assert_eq!(server.received(), 0);
}

#[tokio::test]
async fn every_address_of_a_name_is_judged() {
    let server = server().await;
    for addresses in [
        &["127.0.0.1"][..],
        &["93.184.216.34", "127.0.0.1"],
        &["127.0.0.1", "93.184.216.34"],
        &["169.254.169.254"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["0.0.0.0"],
        &["64:ff9b::7f00:1"],
    ] {
        let outbound = server.outbound(&[], Turning::new(&[addresses]));
        let refused = outbound.send("op", get(&server.url("/"))).await;
        assert_eq!(failure(refused), OutboundFailure::RefusedAddress, "{addresses:?}");
    }
    let outbound = server.outbound(LOOPBACK, Turning::new(&[&["127.0.0.1", "10.0.0.1"]]));
    assert_eq!(failure(outbound.send("op", get(&server.url("/"))).await), OutboundFailure::RefusedAddress);
    // As the address itself, by name of the host or not.
    for url in ["https://169.254.169.254/latest/meta-data/", &format!("https://127.0.0.1:{}/", server.port)] {
        let outbound = server.outbound(&["10.0.0.0/8"], Arc::new(SystemResolver::new()));
        assert_eq!(failure(outbound.send("op", get(url)).await), OutboundFailure::RefusedAddress, "{url}");
    }
    let outbound = server.outbound(LOOPBACK, Arc::new(SystemResolver::new()));
    let itself = get(&format!("https://127.0.0.1:{}/", server.port));
    assert_eq!(outbound.send("op", itself).await.unwrap().status, 200);
    assert_eq!(server.received(), 1);
}

/// The first answer is granted, the second one is not: whoever asked twice would judge the one and call the other.
#[tokio::test]
async fn a_name_that_changes_what_it_leads_to_gains_nothing() {
    let server = server().await;
    let turning = Turning::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let outbound = server.outbound(&["127.0.0.1/32"], turning.clone());
    assert_eq!(outbound.send("op", get(&server.url("/"))).await.unwrap().status, 200);
    assert_eq!(turning.asked.load(Ordering::SeqCst), 1, "one question a call");
    let second = outbound.send("op", get(&server.url("/"))).await;
    assert_eq!(failure(second), OutboundFailure::RefusedAddress);
    assert_eq!((turning.asked.load(Ordering::SeqCst), server.received()), (2, 1));
}

#[tokio::test]
async fn a_certificate_of_another_authority_or_name_is_not_accepted() {
    let server = server().await;
    let other = authorities(&authority());
    let outbound = server.outbound_by(&other, LOOPBACK, here());
    assert_eq!(failure(outbound.send("op", get(&server.url("/"))).await), OutboundFailure::Tls);
    let host = |name: &str| format!("{name}:{}", server.port);
    let policy = Policy {
        hosts: vec![host("other.example").parse().unwrap()],
        networks: vec!["127.0.0.0/8".parse().unwrap()],
        credentials: BTreeMap::new(),
    };
    let policies = BTreeMap::from([("op".into(), policy)]);
    let outbound = HttpOutbound::new(policies, &server.authorities, here(), Arc::new(Noon));
    let url = format!("https://{}/", host("other.example"));
    assert_eq!(failure(outbound.send("op", get(&url)).await), OutboundFailure::Tls);
    assert_eq!(server.received(), 0);
}

#[tokio::test]
async fn redirects_are_not_followed_and_cookies_not_seen() {
    let server = server().await;
    let outbound = server.outbound(LOOPBACK, here());
    let answer = outbound.send("op", get(&server.url("/redirect"))).await.unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!(answer.headers, [("location".to_owned(), "https://10.0.0.1/admin".to_owned())]);
    let answer = outbound.send("op", get(&server.url("/kept"))).await.unwrap();
    assert_eq!(answer.headers, [("cache-control".to_owned(), "max-age=60".to_owned())]);
    assert_eq!(server.received(), 2);
}

#[tokio::test]
async fn an_answer_is_bounded_while_it_is_read() {
    let server = server().await;
    let outbound = server.outbound(LOOPBACK, here());
    for (path, expected) in [
        ("/large", OutboundFailure::TooLarge),
        ("/endless", OutboundFailure::TooLarge),
        ("/endless-head", OutboundFailure::TooLarge),
        ("/cut", OutboundFailure::Unreachable),
        ("/gzip", OutboundFailure::Malformed),
        ("/switching", OutboundFailure::Malformed),
        ("/no-http", OutboundFailure::Malformed),
        ("/silent", OutboundFailure::TimedOut),
    ] {
        assert_eq!(failure(outbound.send("op", get(&server.url(path))).await), expected, "{path}");
        assert_eq!(outbound.send("op", get(&server.url("/"))).await.unwrap().status, 200, "after {path}");
    }
}

#[tokio::test]
async fn who_does_not_listen_is_unreachable_and_who_waits_takes_no_more_than_eight_places() {
    let server = server().await;
    let nowhere = server.outbound(LOOPBACK, Turning::new(&[&["127.9.9.9"]]));
    assert_eq!(failure(nowhere.send("op", get(&server.url("/"))).await), OutboundFailure::Unreachable);
    let nobody = server.outbound(LOOPBACK, Turning::new(&[&[]]));
    assert_eq!(failure(nobody.send("op", get(&server.url("/"))).await), OutboundFailure::Unreachable);

    let outbound = Arc::new(server.outbound(LOOPBACK, here()));
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (outbound, url) = (Arc::clone(&outbound), server.url("/silent"));
        waiting.spawn(async move { outbound.send("op", get(&url)).await });
    }
    while server.received() < 8 {
        tokio::task::yield_now().await;
    }
    assert_eq!(failure(outbound.send("op", get(&server.url("/"))).await), OutboundFailure::Busy);
    // Nobody waits for them any more.
    waiting.shutdown().await;
    assert_eq!(outbound.send("op", get(&server.url("/"))).await.unwrap().status, 200);
}

#[tokio::test]
async fn an_answer_is_kept_for_who_takes_one_that_was() {
    let server = server().await;
    let outbound = server.outbound(LOOPBACK, here());
    let kept = OutboundRequest { cached: true, ..get(&server.url("/kept")) };
    for was_kept in [false, true, true] {
        assert_eq!(outbound.send("op", kept.clone()).await.unwrap().was_kept, was_kept);
    }
    assert_eq!(server.received(), 1);
    assert!(!outbound.send("op", get(&server.url("/kept"))).await.unwrap().was_kept);
    // Somebody's own answer is nobody else's.
    let own = vec![("authorization".to_owned(), "Bearer a".to_owned())];
    for request in [
        OutboundRequest { headers: own, ..kept.clone() },
        OutboundRequest { credential: Some("client".into()), ..kept.clone() },
        OutboundRequest { method: OutboundMethod::Post, ..kept },
    ] {
        for _ in 0..2 {
            assert!(!outbound.send("op", request.clone()).await.unwrap().was_kept);
        }
    }
    assert_eq!(server.received(), 8);
}

/// Resolves `op.example` at once and everything else when it is let.
struct Slow {
    begun: AtomicUsize,
    let_on: Notify,
}

#[async_trait]
impl Resolver for Slow {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        if name != "op.example" {
            self.begun.fetch_add(1, Ordering::SeqCst);
            self.let_on.notified().await;
        }
        Ok(vec!["127.0.0.1".parse().unwrap()])
    }
}

/// Lets everything run that can.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn slow_names_of_one_authenticator_leave_the_others_their_lookups() {
    let server = server().await;
    let policy = |host: &str| Policy {
        hosts: vec![format!("{host}:{}", server.port).parse().unwrap()],
        networks: vec!["127.0.0.0/8".parse().unwrap()],
        credentials: BTreeMap::new(),
    };
    let policies =
        BTreeMap::from([("slow".into(), policy("slow.example")), ("op".into(), policy("op.example"))]);
    let resolver = Arc::new(Slow { begun: AtomicUsize::new(0), let_on: Notify::new() });
    let outbound = HttpOutbound::new(
        policies,
        &server.authorities,
        Arc::clone(&resolver) as Arc<dyn Resolver>,
        Arc::new(Noon),
    );
    let outbound = Arc::new(outbound);
    let calls = || -> Vec<_> {
        (0..8)
            .map(|_| {
                let (outbound, url) =
                    (Arc::clone(&outbound), format!("https://slow.example:{}/", server.port));
                tokio::spawn(async move { outbound.send("slow", get(&url)).await.map(drop) })
            })
            .collect()
    };
    // Whoever gives up leaves the lookup behind, which nobody can interrupt: it has its place all the same.
    for _ in 0..3 {
        let calls = calls();
        settle().await;
        assert_eq!(resolver.begun.load(Ordering::SeqCst), 4);
        assert_eq!(outbound.send("op", get(&server.url("/"))).await.unwrap().status, 200);
        for call in calls {
            call.abort();
            assert!(call.await.unwrap_err().is_cancelled());
        }
    }
    // They end, and others begin.
    resolver.let_on.notify_waiters();
    settle().await;
    let calls = calls();
    settle().await;
    assert_eq!(resolver.begun.load(Ordering::SeqCst), 8);
    drop(calls);
}

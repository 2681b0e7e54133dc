//! A listener on a real socket, and clients that misbehave.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::connection::Server;
use super::places::Places;
use super::serve::Counted;
use super::watch::Times;
use super::{ClientCertificates, Limits, Listener, Peer, server_config};
use crate::metrics::Metrics;

/// Serves a connection whose handshake is over, as the listener would.
pub(crate) async fn established<S, H, F>(stream: S, peer: Peer, is_http2: bool, handler: H)
where
    S: AsyncRead + AsyncWrite + Unpin,
    H: Fn(Peer, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let (_keep, stop) = watch::channel(false);
    let limits = Limits::public(1);
    let counted = Counted::new("test", Arc::new(Metrics::new()));
    let places = Places::new(1, 1);
    Server { places, times: limits.times, stop, counted, handler }.established(stream, peer, is_http2).await;
}

/// Long enough for what has to happen soon; nothing waits for it unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);
/// Limits that a test waits for.
const SHORT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(60);

const TIMES: Times = Times { handshake: LONG, head: LONG, idle: LONG, write: LONG };
const LIMITS: Limits =
    Limits { connections: 8, connections_each: 8, handshakes: 16, handshakes_each: 16, times: TIMES };

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// A listener whose handler answers with as many bytes as it is told to, when it is told to.
struct Running {
    address: SocketAddr,
    metrics: Arc<Metrics>,
    client: Arc<ClientConfig>,
    stranger: Arc<ClientConfig>,
    /// Permits to answer.
    go: Arc<Semaphore>,
    /// Handlers that have begun.
    begun: Arc<AtomicUsize>,
    _stop: watch::Sender<bool>,
    _folder: tempfile::TempDir,
}

fn write(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

impl Running {
    async fn start(limits: Limits, answer: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let issue = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let issued =
                CertificateParams::new(vec![name.into()]).unwrap().signed_by(&key, &authority).unwrap();
            (issued, key)
        };
        let (server, server_key) = issue("localhost");
        let (proxy, proxy_key) = issue("proxy");
        let certificate = write(folder.path(), "server.pem", &server.pem());
        let key = write(folder.path(), "server.key", &server_key.serialize_pem());
        let roots_file = write(folder.path(), "authority.pem", &authority.pem());
        let config = server_config(&certificate, &key, &ClientCertificates::Required(&roots_file)).unwrap();

        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = || {
            ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_protocol_versions(&[&rustls::version::TLS12])
                .unwrap()
                .with_root_certificates(roots.clone())
        };
        let chain: Vec<CertificateDer<'static>> = vec![proxy.der().clone()];
        let proxy_key = PrivateKeyDer::try_from(proxy_key.serialize_der()).unwrap();
        let client = builder().with_client_auth_cert(chain, proxy_key).unwrap();

        let metrics = Arc::new(Metrics::new());
        let (_tls, tls) = watch::channel(config);
        let (stop, stopped) = watch::channel(false);
        let listen = "127.0.0.1:0".parse().unwrap();
        let listener = Listener::bind(listen, tls, limits, "test", Arc::clone(&metrics)).await.unwrap();
        let address = listener.address().unwrap();
        let (go, begun) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let (may, began) = (Arc::clone(&go), Arc::clone(&begun));
        tokio::spawn(listener.serve(stopped, move |_, _| {
            let (may, began) = (Arc::clone(&may), Arc::clone(&began));
            async move {
                began.fetch_add(1, Ordering::SeqCst);
                may.acquire().await.unwrap().forget();
                Response::new(Body::from(vec![b'x'; answer]))
            }
        }));
        Self {
            address,
            metrics,
            client: Arc::new(client),
            stranger: Arc::new(builder().with_no_client_auth()),
            go,
            begun,
            _stop: stop,
            _folder: folder,
        }
    }

    async fn connect_as(
        &self,
        client: &Arc<ClientConfig>,
        http2: bool,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut config = ClientConfig::clone(client);
        config.alpn_protocols = vec![if http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        let stream = TcpStream::connect(self.address).await?;
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
    }

    async fn connect(&self, http2: bool) -> TlsStream<TcpStream> {
        self.connect_as(&self.client, http2).await.unwrap()
    }

    /// Waits until the listener has counted that for `why`.
    async fn counted(&self, why: &str) {
        let line = format!("postern_connections_ended_total{{listener=\"test\",why=\"{why}\"}}");
        let seen = async {
            while !self.metrics.text().contains(&line) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, seen)
            .await
            .unwrap_or_else(|_| panic!("{why}: {}", self.metrics.text()));
    }

    /// Waits until so many handlers have begun.
    async fn begun(&self, handlers: usize) {
        let begun = async {
            while self.begun.load(Ordering::SeqCst) < handlers {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, begun).await.expect("the handlers did not begin");
    }
}

/// Waits until the other side closes.
async fn closed(stream: &mut TlsStream<TcpStream>) {
    let mut rest = Vec::new();
    // A close and a reset are both an end.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("it stays open");
}

/// One answer of a keep-alive connection.
async fn served(stream: &mut TlsStream<TcpStream>) -> bool {
    let mut start = [0; 12];
    stream.write_all(GET).await.is_ok()
        && stream.read_exact(&mut start).await.is_ok()
        && start.starts_with(b"HTTP/1.1 200")
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const END_STREAM_AND_HEADERS: u8 = 5;
/// GET https://a/ from the static table, RFC 7541 appendix A.
const HEADERS: [u8; 6] = [0x82, 0x87, 0x84, 0x41, 0x01, b'a'];

fn preface(settings: &[u8]) -> Vec<u8> {
    [PREFACE, &frame(4, 0, 0, settings)].concat()
}

#[tokio::test]
async fn connections_that_do_not_shake_hands_take_no_place() {
    let limits = Limits { connections: 2, handshakes: 16, handshakes_each: 8, ..LIMITS };
    let running = Running::start(limits, 1).await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(TcpStream::connect(running.address).await.unwrap());
    }
    // Those 8 are all that this address may have: the next is closed, and takes nothing.
    let mut more = TcpStream::connect(running.address).await.unwrap();
    assert_eq!(more.read(&mut [0]).await.unwrap_or(0), 0);
    running.counted("too-many-handshakes").await;
    drop(silent.pop());
    running.counted("handshake-failed").await;
    running.go.add_permits(1);
    assert!(served(&mut running.connect(false).await).await);
}

#[tokio::test]
async fn strangers_take_no_place_and_are_told_nothing() {
    let limits = Limits { connections: 1, ..LIMITS };
    let running = Running::start(limits, 1).await;
    for _ in 0..5 {
        assert!(running.connect_as(&running.stranger, false).await.is_err(), "no certificate, no connection");
    }
    running.counted("handshake-failed").await;
    running.go.add_permits(1);
    assert!(served(&mut running.connect(false).await).await);
}

#[tokio::test]
async fn a_handshake_has_its_time() {
    let running = Running::start(Limits { times: Times { handshake: SHORT, ..TIMES }, ..LIMITS }, 1).await;
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    assert_eq!(silent.read(&mut [0]).await.unwrap_or(0), 0);
    running.counted("handshake-too-slow").await;
}

#[tokio::test]
async fn idle_connections_make_room() {
    let limits = Limits { connections: 2, times: Times { idle: SHORT, ..TIMES }, ..LIMITS };
    let running = Running::start(limits, 1).await;
    let (mut first, mut second) = (running.connect(false).await, running.connect(true).await);
    second.write_all(&preface(&[])).await.unwrap();
    running.go.add_permits(1);
    assert!(served(&mut running.connect(false).await).await, "it waits until one of the two is ended");
    running.counted("idle").await;
    closed(&mut first).await;
    closed(&mut second).await;
}

#[tokio::test]
async fn one_address_gets_its_share_only() {
    let running = Running::start(Limits { connections_each: 2, ..LIMITS }, 1).await;
    let _two = (running.connect(false).await, running.connect(false).await);
    if let Ok(mut third) = running.connect_as(&running.client, false).await {
        closed(&mut third).await;
    }
    running.counted("too-many-connections").await;
}

#[tokio::test]
async fn pings_do_not_keep_an_http2_connection() {
    let running = Running::start(Limits { times: Times { idle: SHORT, ..TIMES }, ..LIMITS }, 1).await;
    let stream = running.connect(true).await;
    let (mut read, mut write) = tokio::io::split(stream);
    write.write_all(&preface(&[])).await.unwrap();
    let pings = tokio::spawn(async move {
        while write.write_all(&frame(6, 0, 0, &[7; 8])).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut all = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, read.read_to_end(&mut all)).await.expect("it stays open");
    running.counted("idle").await;
    assert!(all.windows(9).any(|bytes| bytes[3] == 6 && bytes[4] == 1), "the pings were answered");
    pings.abort();
}

#[tokio::test]
async fn heads_have_their_time_in_both_versions() {
    let running = Running::start(Limits { times: Times { head: SHORT, ..TIMES }, ..LIMITS }, 1).await;
    let mut one = running.connect(false).await;
    one.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
    closed(&mut one).await;
    running.counted("head-too-slow").await;

    let running = Running::start(Limits { times: Times { head: SHORT, ..TIMES }, ..LIMITS }, 1).await;
    let mut two = running.connect(true).await;
    two.write_all(&preface(&[])).await.unwrap();
    // HEADERS without END_HEADERS; then no CONTINUATION.
    two.write_all(&frame(1, 1, 1, &HEADERS)).await.unwrap();
    closed(&mut two).await;
    running.counted("head-too-slow").await;
}

#[tokio::test]
async fn who_does_not_read_is_not_waited_for() {
    let limits = Limits { times: Times { write: SHORT, ..TIMES }, ..LIMITS };
    // More than the sockets' buffers take.
    let running = Running::start(limits, 32 << 20).await;
    running.go.add_permits(1);
    let mut one = running.connect(false).await;
    one.write_all(GET).await.unwrap();
    running.counted("read-too-slowly").await;
}

#[tokio::test]
async fn a_window_of_nothing_does_not_keep_an_answer_for_ever() {
    let running = Running::start(Limits { times: Times { idle: SHORT, ..TIMES }, ..LIMITS }, 1 << 20).await;
    running.go.add_permits(16);
    let mut stream = running.connect(true).await;
    // SETTINGS_INITIAL_WINDOW_SIZE 0: answers are made, and none can be sent.
    stream.write_all(&preface(&[0, 4, 0, 0, 0, 0])).await.unwrap();
    for number in 0..16 {
        stream.write_all(&frame(1, END_STREAM_AND_HEADERS, 2 * number + 1, &HEADERS)).await.unwrap();
    }
    closed(&mut stream).await;
    running.counted("answer-too-slow").await;
}

#[tokio::test]
async fn rapid_reset_ends_the_connection_and_starts_a_bounded_number_of_handlers() {
    let running = Running::start(LIMITS, 1).await;
    let stream = running.connect(true).await;
    let (mut read, mut write) = tokio::io::split(stream);
    let flood = tokio::spawn(async move {
        let mut bytes = preface(&[]);
        for number in 0..50_000_u32 {
            bytes.extend(frame(1, END_STREAM_AND_HEADERS, 2 * number + 1, &HEADERS));
            bytes.extend(frame(3, 0, 2 * number + 1, &[0, 0, 0, 8]));
        }
        let _ = write.write_all(&bytes).await;
    });
    let mut all = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, read.read_to_end(&mut all)).await.expect("it stays open");
    flood.abort();
    let begun = running.begun.load(Ordering::SeqCst);
    assert!(begun <= 512, "{begun} handlers began");
}

#[tokio::test]
async fn resets_of_what_is_at_work_do_not_make_room_for_more_and_more() {
    let running = Running::start(LIMITS, 1).await;
    let mut stream = running.connect(true).await;
    stream.write_all(&preface(&[])).await.unwrap();
    let (mut read, mut write) = tokio::io::split(stream);
    let reading = tokio::spawn(async move {
        let mut all = Vec::new();
        let _ = read.read_to_end(&mut all).await;
    });
    // Slowly enough for many to be looked at before they are reset.
    let mut number = 0;
    'flood: for _ in 0..100 {
        let mut resets = Vec::new();
        for _ in 0..16 {
            if write.write_all(&frame(1, END_STREAM_AND_HEADERS, 2 * number + 1, &HEADERS)).await.is_err() {
                break 'flood;
            }
            resets.extend(frame(3, 0, 2 * number + 1, &[0, 0, 0, 8]));
            number += 1;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        if write.write_all(&resets).await.is_err() {
            break;
        }
    }
    tokio::time::timeout(PATIENCE, reading).await.expect("it stays open").unwrap();
    let begun = running.begun.load(Ordering::SeqCst);
    assert!(begun <= 512, "{begun} handlers began");
}

#[tokio::test]
async fn what_a_client_that_has_gone_began_goes_on() {
    let running = Running::start(LIMITS, 1).await;
    let mut stream = running.connect(false).await;
    stream.write_all(GET).await.unwrap();
    running.begun(1).await;
    drop(stream);
    // The handler still waits for its permit, and takes it.
    running.go.add_permits(1);
    let taken = async {
        while running.go.available_permits() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, taken).await.expect("the handler was dropped with its connection");
}

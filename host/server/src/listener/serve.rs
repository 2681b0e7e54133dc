//! Accepts connections until it is told to stop, then lets requests under way finish.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

/// TLS as it is configured now: connections that come later use what is sent later.
pub(crate) type Tls = watch::Receiver<Arc<ServerConfig>>;

/// Time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Time for the head of a request; also how long an idle HTTP/1.1 connection is kept. Longer than
/// the idle time that `postern edge config` gives the proxy, so that the proxy closes first.
const HEAD: Duration = Duration::from_secs(75);
/// Time to finish requests after the signal to stop.
const DRAIN: Duration = Duration::from_secs(15);
/// Largest head of a request: a target of 64 KiB and its headers.
const MAX_HEAD: usize = 96 * 1024;
const MAX_HEADERS: usize = 100;
/// Requests at a time on one HTTP/2 connection.
const MAX_STREAMS: u32 = 256;

/// What is bounded by configuration.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Connections at a time; more wait in the kernel's queue.
    pub(crate) connections: u32,
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// Whether it has shown a certificate that the listener trusts.
    pub(crate) has_certificate: bool,
}

/// A bound socket with its TLS configuration.
pub(crate) struct Listener {
    socket: TcpListener,
    tls: Tls,
    limits: Limits,
}

impl Listener {
    pub(crate) async fn bind(address: SocketAddr, tls: Tls, limits: Limits) -> std::io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        Ok(Self { socket, tls, limits })
    }

    /// Where it listens: the port that the system chose, when the configuration says 0.
    pub(crate) fn address(&self) -> std::io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until `stop` says so, and then until the requests under way are finished or their
    /// time is up.
    pub(crate) async fn serve<H, F>(self, mut stop: watch::Receiver<bool>, handler: H)
    where
        H: Fn(Peer, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let places = Arc::new(Semaphore::new(self.limits.connections as usize));
        loop {
            let place = tokio::select! {
                _ = stop.changed() => break,
                place = Arc::clone(&places).acquire_owned() => place,
            };
            let Ok(place) = place else { break };
            let accepted = tokio::select! {
                _ = stop.changed() => break,
                accepted = self.socket.accept() => accepted,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors, or a connection that was gone before it was accepted.
                    tracing::warn!(%error, "connection not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let tls = TlsAcceptor::from(Arc::clone(&self.tls.borrow()));
            let (stop, handler) = (stop.clone(), handler.clone());
            tokio::spawn(async move {
                connection(stream, address, tls, stop, handler).await;
                drop(place);
            });
        }
        drop(self.socket);
        // All places free again: nothing is under way.
        let drained = tokio::time::timeout(DRAIN, places.acquire_many(self.limits.connections)).await;
        if drained.is_err() {
            tracing::warn!("stopped with connections still open");
        }
    }
}

async fn connection<H, F>(
    stream: TcpStream,
    address: SocketAddr,
    tls: TlsAcceptor,
    mut stop: watch::Receiver<bool>,
    handler: H,
) where
    H: Fn(Peer, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    // Answers are small and must not wait for acknowledgements.
    let _ = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::info!(%address, %error, "TLS handshake failed"),
        Err(_) => return tracing::info!(%address, "TLS handshake took too long"),
    };
    let session = stream.get_ref().1;
    let is_http2 = session.alpn_protocol() == Some(b"h2");
    let peer = Peer { address, has_certificate: session.peer_certificates().is_some() };
    let service = service_fn(move |request| {
        let answer = handler(peer, request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let io = TokioIo::new(stream);
    let ended = if is_http2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
            .max_concurrent_streams(MAX_STREAMS)
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(10));
        let mut connection = std::pin::pin!(builder.serve_connection(io, service));
        tokio::select! {
            ended = connection.as_mut() => ended,
            _ = stop.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    } else {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(MAX_HEAD)
            .max_headers(MAX_HEADERS);
        let mut connection = std::pin::pin!(builder.serve_connection(io, service));
        tokio::select! {
            ended = connection.as_mut() => ended,
            _ = stop.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%address, %error, "connection ended");
    }
}

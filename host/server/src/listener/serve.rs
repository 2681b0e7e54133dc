//! Accepts connections until it is told to stop, then lets requests under way finish.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::connection::Server;
use super::places::Places;
use super::watch::Times;
use crate::metrics::Metrics;

/// TLS as it is configured now: connections that come later use what is sent later.
pub(crate) type Tls = watch::Receiver<Arc<ServerConfig>>;

/// Time to finish requests after the signal to stop.
const DRAIN: Duration = Duration::from_secs(15);

/// The bounds of a listener.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Connections at a time, after the handshake; more wait for as long as a handshake may take.
    pub(crate) connections: u32,
    /// Of one address.
    pub(crate) connections_each: u32,
    /// Handshakes at a time; more wait in the system's queue.
    pub(crate) handshakes: u32,
    /// Of one address; more are closed.
    pub(crate) handshakes_each: u32,
    pub(crate) times: Times,
}

impl Limits {
    /// Of the public listener. All of its connections may be one proxy's.
    pub(crate) fn public(connections: u32) -> Self {
        let times = Times {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            // Longer than the 45 seconds that `postern edge config` gives the proxy, so that the
            // proxy closes first.
            idle: Duration::from_secs(75),
            write: Duration::from_secs(30),
        };
        let connections_each = connections;
        Self { connections, connections_each, handshakes: 1_024, handshakes_each: 512, times }
    }

    /// Of the management listener.
    pub(crate) fn management() -> Self {
        let public = Self::public(64);
        let times = Times { idle: Duration::from_secs(15), ..public.times };
        Self { connections_each: 16, handshakes: 256, handshakes_each: 64, times, ..public }
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// Whether it has shown a certificate that the listener trusts.
    pub(crate) has_certificate: bool,
}

/// Where it is counted what becomes of connections.
#[derive(Clone)]
pub(super) struct Counted {
    listener: &'static str,
    metrics: Arc<Metrics>,
}

impl Counted {
    pub(super) fn new(listener: &'static str, metrics: Arc<Metrics>) -> Self {
        Self { listener, metrics }
    }

    /// One that was not let in.
    pub(super) fn refused(&self, address: SocketAddr, why: &'static str) {
        tracing::info!(%address, why, listener = self.listener, "connection refused");
        self.metrics.connection(self.listener, why);
    }

    /// One that did not end by itself.
    pub(super) fn ended(&self, address: SocketAddr, why: &'static str) {
        tracing::debug!(%address, why, listener = self.listener, "connection ended");
        self.metrics.connection(self.listener, why);
    }
}

/// A bound socket with its TLS configuration.
pub(crate) struct Listener {
    socket: TcpListener,
    tls: Tls,
    limits: Limits,
    counted: Counted,
}

impl Listener {
    /// `listener` is its name in logs and metrics.
    pub(crate) async fn bind(
        address: SocketAddr,
        tls: Tls,
        limits: Limits,
        listener: &'static str,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        Ok(Self { socket, tls, limits, counted: Counted::new(listener, metrics) })
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
        let Limits { connections, connections_each, handshakes, handshakes_each, times } = self.limits;
        let places = Places::new(connections, connections_each);
        let waiting = Places::new(handshakes, handshakes_each);
        loop {
            let permit = tokio::select! {
                _ = stop.changed() => break,
                permit = waiting.free() => permit,
            };
            let Some(permit) = permit else { break };
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
            let Some(place) = waiting.take(permit, address.ip()) else {
                self.counted.refused(address, "too-many-handshakes");
                continue;
            };
            let tls = TlsAcceptor::from(Arc::clone(&self.tls.borrow()));
            let server = Server {
                places: places.clone(),
                times,
                stop: stop.clone(),
                counted: self.counted.clone(),
                handler: handler.clone(),
            };
            tokio::spawn(server.connection(stream, address, tls, place));
        }
        drop(self.socket);
        let drained = tokio::time::timeout(DRAIN, async { tokio::join!(waiting.empty(), places.empty()) });
        if drained.await.is_err() {
            tracing::warn!("stopped with connections still open");
        }
    }
}

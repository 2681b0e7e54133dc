//! One connection: handshake, a place, then requests within their limits.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use hyper::body::{Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use postern_http1::MAX_HEAD;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::guarded::{Guarded, RefusedAt};
use super::places::{Place, Places};
use super::serve::{Counted, Peer};
use super::watch::{Late, Times, Watch, Working};

/// Requests at a time on one HTTP/2 connection.
const MAX_STREAMS: u32 = 256;
/// Handlers at work for one connection: a stream that its client resets makes room for another,
/// while what it asked for goes on.
const MAX_HANDLERS: usize = 2 * MAX_STREAMS as usize;
/// Streams reset by the client before they were looked at, after which the connection ends
/// (rapid reset, CVE-2023-44487).
const MAX_RESET_UNSEEN: usize = 32;
/// Streams that we reset because of what the client sent (`MadeYouReset`, CVE-2025-8671).
const MAX_RESET_BY_US: usize = 64;
/// Bytes of answers that wait in memory for one slow HTTP/2 stream.
const MAX_WAITING: usize = 64 * 1024;
/// Time for a connection to close after it was idle.
const CLOSING: Duration = Duration::from_secs(5);

/// What a connection is served with.
pub(super) struct Server<H> {
    pub(super) places: Places,
    pub(super) times: Times,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) counted: Counted,
    pub(super) handler: H,
}

impl<H, F> Server<H>
where
    H: Fn(Peer, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    /// From the accepted socket to the end. `waiting` is the place of those who shake hands.
    pub(super) async fn connection(
        self,
        stream: TcpStream,
        address: SocketAddr,
        tls: TlsAcceptor,
        waiting: Place,
    ) {
        // Answers are small and must not wait for acknowledgements.
        let _ = stream.set_nodelay(true);
        let mut stop = self.stop.clone();
        let admitted = tokio::select! {
            admitted = tokio::time::timeout(self.times.handshake, self.admit(stream, address, tls)) => admitted,
            _ = stop.changed() => return,
        };
        let (stream, place) = match admitted {
            Ok(Ok(admitted)) => admitted,
            Ok(Err(why)) => return self.counted.refused(address, why),
            Err(_) => return self.counted.refused(address, "handshake-too-slow"),
        };
        drop(waiting);
        let session = stream.get_ref().1;
        let is_http2 = session.alpn_protocol() == Some(b"h2");
        let peer = Peer { address, has_certificate: session.peer_certificates().is_some() };
        // A proxy connects ahead of need; nobody else has a reason to wait.
        let first = if peer.has_certificate { self.times.idle } else { self.times.head };
        let watch = Watch::new(self.times, first);
        if is_http2 {
            self.http2(stream, peer, watch).await
        } else {
            self.http1(stream, peer, watch).await
        }
        drop(place);
    }

    /// The handshake, with the peer's certificate, and then a place.
    async fn admit(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        tls: TlsAcceptor,
    ) -> Result<(TlsStream<TcpStream>, Place), &'static str> {
        let stream = tls.accept(stream).await.map_err(|error| {
            tracing::debug!(%address, %error, "TLS handshake failed");
            "handshake-failed"
        })?;
        let permit = self.places.free().await.ok_or("stopping")?;
        let place = self.places.take(permit, address.ip()).ok_or("too-many-connections")?;
        Ok((stream, place))
    }

    async fn http1<S>(self, stream: S, peer: Peer, watch: Arc<Watch>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let refused = RefusedAt::default();
        let stream = Guarded::http1(stream, Arc::clone(&watch), refused.clone());
        let (handler, served) = (self.handler.clone(), AtomicU64::new(0));
        let (watched, counted) = (Arc::clone(&watch), self.counted.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            if let Some(head) = refused.take(served.fetch_add(1, Ordering::Relaxed)) {
                if let Some(raw) = &head.request {
                    *request.headers_mut() = raw.header_map();
                }
                request.extensions_mut().insert(Arc::new(head));
            }
            answer(&watched, &counted, &handler, peer, request)
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            // The watch has the time limits.
            .header_read_timeout(None)
            .max_buf_size(2 * MAX_HEAD);
        let connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
        self.drive(connection, |connection| connection.graceful_shutdown(), peer, &watch).await;
    }

    async fn http2<S>(self, stream: S, peer: Peer, watch: Arc<Watch>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let stream = Guarded::http2(stream, Arc::clone(&watch));
        let (handler, watched, counted) = (self.handler.clone(), Arc::clone(&watch), self.counted.clone());
        let service = service_fn(move |request| answer(&watched, &counted, &handler, peer, request));
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
            .max_concurrent_streams(MAX_STREAMS)
            .max_pending_accept_reset_streams(MAX_RESET_UNSEEN)
            .max_local_error_reset_streams(MAX_RESET_BY_US)
            .max_send_buf_size(MAX_WAITING)
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(10));
        let connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
        self.drive(connection, |connection| connection.graceful_shutdown(), peer, &watch).await;
    }

    /// A connection whose handshake is over, on any stream.
    #[cfg(test)]
    pub(super) async fn established<S>(self, stream: S, peer: Peer, is_http2: bool)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let watch = Watch::new(self.times, self.times.idle);
        if is_http2 { self.http2(stream, peer, watch).await } else { self.http1(stream, peer, watch).await }
    }

    /// Serves until the peer ends it, a limit is exceeded or the server stops.
    async fn drive<C>(
        mut self,
        mut connection: Pin<&mut C>,
        close: fn(Pin<&mut C>),
        peer: Peer,
        watch: &Watch,
    ) where
        C: Future<Output = hyper::Result<()>>,
    {
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            late = watch.late() => {
                self.counted.ended(peer.address, late.as_str());
                if late != Late::Idle {
                    return;
                }
                close(connection.as_mut());
                match tokio::time::timeout(CLOSING, connection).await {
                    Ok(ended) => ended,
                    Err(_) => return,
                }
            }
            _ = self.stop.changed() => {
                close(connection.as_mut());
                connection.await
            }
        };
        if let Err(error) = ended {
            self.counted.ended(peer.address, "broken");
            tracing::debug!(address = %peer.address, %error, "connection ended");
        }
    }
}

/// Answers one request, in a task of its own: a client that goes away does not end what it began.
/// Otherwise a failed sign-in would not be counted, and each try would still cost a hash.
fn answer<H, F>(
    watch: &Arc<Watch>,
    counted: &Counted,
    handler: &H,
    peer: Peer,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Handed>, Infallible>> + use<H, F>
where
    H: Fn(Peer, Request<Incoming>) -> F,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let working = watch.request();
    let task = watch.handler(MAX_HANDLERS).map(|handling| {
        let answered = handler(peer, request);
        tokio::spawn(async move {
            let answered = answered.await;
            drop(handling);
            answered
        })
    });
    let counted = counted.clone();
    async move {
        let response = match task {
            Some(task) => task.await.unwrap_or_else(|error| {
                tracing::error!(%error, "a request ended in a panic");
                counted.ended(peer.address, "panic");
                bare(StatusCode::INTERNAL_SERVER_ERROR)
            }),
            None => bare(StatusCode::SERVICE_UNAVAILABLE),
        };
        Ok(response.map(|body| Handed { body, _working: working }))
    }
}

fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// An answer's body. Its request is over when hyper lets go of it.
struct Handed {
    body: Body,
    _working: Working,
}

impl hyper::body::Body for Handed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

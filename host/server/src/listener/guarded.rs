//! The bytes of a connection on their way to hyper and back: heads are judged, and the watch is
//! told what goes on.

use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use postern_http1::{Messages, RefusedHead, Stop};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::Frames;
use super::watch::Watch;

/// Bytes that are read at a time.
const PIECE: usize = 8 * 1024;

/// What hyper gets in place of a head that is refused: it has no say in what is answered, only
/// that the connection ends with it.
const IN_ITS_PLACE: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";

/// A head that was refused, and the requests of the connection that stand before it.
#[derive(Clone, Default)]
pub(super) struct RefusedAt(Arc<Mutex<Option<(u64, RefusedHead)>>>);

impl RefusedAt {
    fn set(&self, after: u64, head: RefusedHead) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((after, head));
    }

    /// The head that was refused, when `before` requests were served before it.
    pub(super) fn take(&self, before: u64) -> Option<RefusedHead> {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        refused.take_if(|(after, _)| *after == before).map(|(_, head)| head)
    }
}

/// A stream whose requests are watched.
pub(super) struct Guarded<S> {
    stream: S,
    watch: Arc<Watch>,
    reading: Reading,
}

enum Reading {
    Http1(Box<Http1>),
    Http2(Frames),
}

struct Http1 {
    messages: Messages,
    /// Let through and not handed to hyper yet.
    passed: Vec<u8>,
    from: usize,
    refused: RefusedAt,
    ended: Option<Ended>,
}

/// Why no more is read.
enum Ended {
    Refused,
    Broken,
}

impl<S> Guarded<S> {
    pub(super) fn http1(stream: S, watch: Arc<Watch>, refused: RefusedAt) -> Self {
        let http1 =
            Http1 { messages: Messages::default(), passed: Vec::new(), from: 0, refused, ended: None };
        Self { stream, watch, reading: Reading::Http1(Box::new(http1)) }
    }

    pub(super) fn http2(stream: S, watch: Arc<Watch>) -> Self {
        Self { stream, watch, reading: Reading::Http2(Frames::default()) }
    }
}

impl Http1 {
    fn take(&mut self, bytes: &[u8], watch: &Watch) {
        let before = self.messages.passed;
        let taken = self.messages.take(bytes, &mut self.passed);
        match taken {
            Ok(()) => {}
            Err(Stop::Head(head)) => {
                self.refused.set(self.messages.passed, *head);
                self.passed.extend_from_slice(IN_ITS_PLACE);
                self.ended = Some(Ended::Refused);
            }
            Err(Stop::Chunks) => self.ended = Some(Ended::Broken),
        }
        let is_amid = self.ended.is_none() && self.messages.is_amid_head();
        watch.head(is_amid, self.messages.passed != before);
    }

    /// Hands over what is let through; false when there is nothing.
    fn hand_over(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let rest = self.passed.get(self.from..).unwrap_or_default();
        let piece = rest.get(..buffer.remaining()).unwrap_or(rest);
        if piece.is_empty() {
            return false;
        }
        buffer.put_slice(piece);
        self.from += piece.len();
        if self.from == self.passed.len() {
            self.from = 0;
            self.passed.clear();
            if self.passed.capacity() > 4 * PIECE {
                drop(mem::take(&mut self.passed));
            }
        }
        true
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, watch, reading } = self.get_mut();
        let http1 = match reading {
            Reading::Http1(http1) => http1,
            Reading::Http2(frames) => {
                let before = buffer.filled().len();
                ready!(Pin::new(stream).poll_read(context, buffer))?;
                let ended = frames.ended;
                frames.take(buffer.filled().get(before..).unwrap_or_default());
                watch.head(frames.is_amid_head(), frames.ended != ended);
                return Poll::Ready(Ok(()));
            }
        };
        loop {
            if http1.hand_over(buffer) {
                return Poll::Ready(Ok(()));
            }
            match http1.ended {
                // The connection closes when the answer is sent: the end of its input would be
                // taken for a client that has gone away.
                Some(Ended::Refused) => return Poll::Pending,
                Some(Ended::Broken) => {
                    let error = io::Error::new(io::ErrorKind::InvalidData, "chunks are not well-formed");
                    return Poll::Ready(Err(error));
                }
                None => {}
            }
            let mut bytes = [0; PIECE];
            let mut piece = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut *stream).poll_read(context, &mut piece))?;
            if piece.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            http1.take(piece.filled(), watch);
        }
    }
}

impl<S> Guarded<S> {
    /// Tells the watch how a write went.
    fn wrote(&self, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &outcome {
            Poll::Ready(Ok(bytes)) => self.watch.written(*bytes),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.watch.stalled(),
        }
        outcome
    }

    fn flushed(&self, outcome: Poll<io::Result<()>>) -> Poll<io::Result<()>> {
        match &outcome {
            Poll::Ready(_) => self.watch.drained(),
            Poll::Pending => self.watch.stalled(),
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.wrote(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.flushed(outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(context);
        self.flushed(outcome)
    }
}

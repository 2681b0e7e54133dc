//! One request and its answer on a connection of their own.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use postern_kernel::outbound::{OutboundAnswer, OutboundError, OutboundFailure};
use tokio::task::JoinSet;

use crate::answer;
use crate::connection::Stream;

/// Bytes of an answer's head, and its lines.
const HEAD: usize = 64 << 10;
const LINES: usize = 64;

/// Sends the message and reads the answer.
///
/// # Errors
/// What the host got wrong.
pub(crate) async fn exchange(
    stream: Box<dyn Stream>,
    message: Request<Full<Bytes>>,
) -> Result<OutboundAnswer, OutboundError> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD)
        .max_headers(LINES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(&error))?;
    // Ends with this call, however it ends.
    let mut driven = JoinSet::new();
    driven.spawn(connection);
    let response = sender.send_request(message).await.map_err(|error| failed(&error))?;
    answer::read(response).await
}

/// Whether it was no HTTP, or the connection.
pub(crate) fn failed(error: &hyper::Error) -> OutboundError {
    let failure = if error.is_parse_too_large() {
        OutboundFailure::TooLarge
    } else if error.is_parse() || error.is_parse_status() {
        OutboundFailure::Malformed
    } else {
        OutboundFailure::Unreachable
    };
    OutboundError::new(failure, error)
}

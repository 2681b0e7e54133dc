//! Reads a body up to the limit that its endpoint declared.

use std::time::Duration;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use postern_endpoint::Body;
use postern_refusal::Refusal;

/// Time for the whole body.
const BODY: Duration = Duration::from_secs(15);

/// # Errors
/// `server.body.too-large` (413), `server.body.too-slow` (408), `server.body.broken`.
pub(super) async fn read(body: Incoming, announced: Body) -> Result<Vec<u8>, Refusal> {
    let limit = match announced {
        Body::None => return Ok(Vec::new()),
        Body::Announced(limit) | Body::Unannounced(limit) => limit,
    };
    let body = Limited::new(body, limit as usize);
    match tokio::time::timeout(BODY, body.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes().into()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::misbehaved("server.body.too-large")
            .with_status(413)
            .expected(&format!("at most {limit} bytes"))),
        Ok(Err(error)) => Err(Refusal::misbehaved("server.body.broken").found(&error.to_string())),
        Err(_) => Err(Refusal::misbehaved("server.body.too-slow").with_status(408)),
    }
}

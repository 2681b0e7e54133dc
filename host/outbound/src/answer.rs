//! What is read of an answer.

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::{Response, header};
use postern_kernel::outbound::{
    MAX_ANSWER_BODY, MAX_HEADER_VALUE, OutboundAnswer, OutboundError, OutboundFailure,
};

use crate::exchange::failed;

/// The headers that components see.
const SEEN: [&str; 11] = [
    "age",
    "cache-control",
    "content-type",
    "date",
    "dpop-nonce",
    "etag",
    "expires",
    "last-modified",
    "location",
    "retry-after",
    "www-authenticate",
];

/// Reads it, [`MAX_ANSWER_BODY`] bytes at most.
///
/// # Errors
/// When it is larger, in a content coding, ends early, or has a status or a header that is none.
pub(crate) async fn read(response: Response<Incoming>) -> Result<OutboundAnswer, OutboundError> {
    let malformed = |detail: String| OutboundError::new(OutboundFailure::Malformed, detail);
    let too_large =
        || OutboundError::new(OutboundFailure::TooLarge, format!("more than {MAX_ANSWER_BODY} bytes"));
    let status = response.status().as_u16();
    if !(200..=599).contains(&status) {
        return Err(malformed(format!("status {status}")));
    }
    let coding = response.headers().get_all(header::CONTENT_ENCODING).iter();
    if coding.into_iter().any(|coding| coding != "identity") {
        return Err(malformed("in a content coding that was not asked for".into()));
    }
    let mut headers = Vec::new();
    for (name, value) in response.headers() {
        if !SEEN.contains(&name.as_str()) {
            continue;
        }
        let value = value.to_str().ok().filter(|value| value.len() <= MAX_HEADER_VALUE);
        let value = value.ok_or_else(|| malformed(format!("{name} is too long or no ASCII")))?;
        headers.push((name.as_str().to_owned(), value.to_owned()));
    }
    let mut incoming = response.into_body();
    if incoming.size_hint().lower() > MAX_ANSWER_BODY as u64 {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame.map_err(|error| failed(&error))?.into_data() else { continue };
        if body.len() + data.len() > MAX_ANSWER_BODY {
            return Err(too_large());
        }
        body.extend_from_slice(&data);
    }
    Ok(OutboundAnswer { status, headers, body, was_kept: false })
}

//! The body that a request announces: its type and its length.

use postern_refusal::Refusal;

use crate::declaration::{Endpoint, Method};
use crate::header::Framing;
use crate::report_only::Report;

/// The body of an accepted request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    None,
    /// This many bytes, within the endpoint's limit.
    Announced(u32),
    /// A body of unknown length: whoever forwards it has to count, up to this many bytes.
    Unannounced(u32),
}

/// Judges the announcement. `has_body` is whether the transport says that one follows.
///
/// # Errors
/// `endpoint.body.length-malformed`, `endpoint.body.length-mismatch`, `endpoint.body.unexpected`,
/// `endpoint.body.too-large` (413), `endpoint.body.encoded` (415), `endpoint.content-type.absent`, `.unknown`, `.parameter` (415).
pub(crate) fn judge(
    method: Method,
    endpoint: &Endpoint,
    framing: &Framing<'_>,
    has_body: bool,
    report: &mut Report<'_>,
) -> Result<Body, Refusal> {
    let length = framing.content_length.map(content_length).transpose()?;
    let is_empty = match length {
        Some(0) => true,
        Some(_) => false,
        None => !has_body && !framing.is_chunked,
    };
    if is_empty {
        return if has_body && length.is_some() { Ok(Body::Announced(0)) } else { Ok(Body::None) };
    }
    if !has_body {
        return Err(
            Refusal::misbehaved("endpoint.body.length-mismatch").expected("the body that is announced")
        );
    }
    if method == Method::Get || endpoint.content_types.is_empty() {
        return Err(Refusal::misbehaved("endpoint.body.unexpected").expected("no body"));
    }
    // What is bounded and judged here is the body as it came. A server that inflates it reads another one,
    // of any size.
    if let Some(encoding) = framing.content_encoding {
        return Err(Refusal::misbehaved("endpoint.body.encoded")
            .with_status(415)
            .at("Content-Encoding")
            .expected("a body without one")
            .found_bytes(encoding));
    }
    judge_type(framing.content_type, &endpoint.content_types).or_else(&mut *report)?;
    match length {
        None => Ok(Body::Unannounced(endpoint.max_body)),
        Some(length) => u32::try_from(length)
            .ok()
            .filter(|length| *length <= endpoint.max_body)
            .map(Body::Announced)
            .ok_or_else(|| {
                Refusal::misbehaved("endpoint.body.too-large")
                    .with_status(413)
                    .expected(&format!("at most {} bytes", endpoint.max_body))
                    .found(&format!("{length} bytes"))
            }),
    }
}

/// Digits only: no sign, no list, no white space.
fn content_length(value: &[u8]) -> Result<u64, Refusal> {
    let digits =
        core::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| {
        Refusal::misbehaved("endpoint.body.length-malformed")
            .at("Content-Length")
            .expected("digits")
            .found_bytes(value)
    })
}

/// The media type must be one of the endpoint's. `charset=utf-8`, without quotes, is the only
/// parameter: another charset would be another text to the LAN than to the filters.
fn judge_type(value: Option<&[u8]>, allowed: &[String]) -> Result<(), Refusal> {
    let refused =
        |code| Refusal::misbehaved(code).with_status(415).at("Content-Type").expected(&allowed.join(", "));
    let value = value.ok_or_else(|| refused("endpoint.content-type.absent"))?;
    let text = core::str::from_utf8(value).unwrap_or_default();
    let (media_type, parameters) = match text.split_once(';') {
        Some((media_type, parameters)) => (media_type, Some(parameters)),
        None => (text, None),
    };
    let media_type = media_type.trim_matches([' ', '\t']);
    if !allowed.iter().any(|known| known.eq_ignore_ascii_case(media_type)) {
        return Err(refused("endpoint.content-type.unknown").found_bytes(value));
    }
    match parameters.map(|parameters| parameters.trim_matches([' ', '\t'])) {
        None => Ok(()),
        Some(charset) if charset.eq_ignore_ascii_case("charset=utf-8") => Ok(()),
        Some(_) => Err(refused("endpoint.content-type.parameter").found_bytes(value)),
    }
}

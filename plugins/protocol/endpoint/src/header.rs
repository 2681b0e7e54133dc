//! Rules for headers that two readers could read in two ways, or that are ours.

use memchr::memchr;
use postern_refusal::Refusal;

use crate::connection;
use crate::header_name::Name;
use crate::limits::RequestLimits;

/// The headers of a request that bear on how it is read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Framing<'a> {
    pub(crate) content_encoding: Option<&'a [u8]>,
    pub(crate) content_length: Option<&'a [u8]>,
    pub(crate) content_type: Option<&'a [u8]>,
    pub(crate) is_chunked: bool,
    /// Whether there is a header for the DMZ to take off.
    pub(crate) strips: bool,
}

/// Judges all headers but the pseudo headers.
///
/// # Errors
/// `endpoint.header.duplicate`, `endpoint.header.overrides`, `endpoint.header.upgrade`,
/// `endpoint.header.connection-names-reserved`, `endpoint.header.expect` (417), `endpoint.framing.ambiguous`,
/// `endpoint.framing.unknown-coding`, `endpoint.pseudo-header.misplaced`; `endpoint.header.too-many`, `endpoint.header.too-large` (431).
pub(crate) fn judge<'a>(
    headers: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    limits: &RequestLimits,
) -> Result<Framing<'a>, Refusal> {
    let mut framing = Framing::default();
    let mut transfer_encoding = None;
    let mut host = None;
    let mut authorization = None;
    let mut count: usize = 0;
    let mut bytes: usize = 0;
    for (name, value) in headers {
        count = count.saturating_add(1);
        bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
        match Name::of(name) {
            Name::Ordinary => {}
            Name::Stripped => framing.strips = true,
            Name::Host => once(&mut host, "Host", value)?,
            Name::Upgrade => {
                return Err(Refusal::misbehaved("endpoint.header.upgrade")
                    .at("Upgrade")
                    .expected("no change of protocol"));
            }
            Name::Pseudo => {
                return Err(Refusal::misbehaved("endpoint.pseudo-header.misplaced")
                    .at(&String::from_utf8_lossy(name))
                    .expected("no pseudo header behind an ordinary one"));
            }
            Name::Connection => connection::judge(value)?,
            // Readers differ in what they make of any other (RFC 9110 section 10.1.1), and one that
            // waits for a `100 Continue` takes the body for the next request.
            Name::Expect if value.eq_ignore_ascii_case(b"100-continue") => framing.strips = true,
            Name::Expect => {
                return Err(Refusal::misbehaved("endpoint.header.expect")
                    .with_status(417)
                    .at("Expect")
                    .expected("100-continue")
                    .found_bytes(value));
            }
            Name::ContentEncoding => framing.content_encoding = Some(value),
            Name::ContentType => once(&mut framing.content_type, "Content-Type", value)?,
            Name::Authorization => {
                once(&mut authorization, "Authorization", value)?;
                // Proxies join two headers with a comma (Envoy does, before any filter sees
                // them). No scheme that is served here has one in its credentials.
                if memchr(b',', value).is_some() {
                    once(&mut authorization, "Authorization", value)?;
                }
            }
            Name::ContentLength => once(&mut framing.content_length, "Content-Length", value)?,
            Name::TransferEncoding => once(&mut transfer_encoding, "Transfer-Encoding", value)?,
            Name::Overrides => {
                return Err(Refusal::misbehaved("endpoint.header.overrides")
                    .at(&String::from_utf8_lossy(name))
                    .expected("no header that names another method or path"));
            }
        }
    }
    require_few(count, bytes, limits)?;
    if let Some(coding) = transfer_encoding {
        if framing.content_length.is_some() {
            return Err(Refusal::misbehaved("endpoint.framing.ambiguous")
                .expected("either Content-Length or Transfer-Encoding"));
        }
        if !coding.eq_ignore_ascii_case(b"chunked") {
            return Err(Refusal::misbehaved("endpoint.framing.unknown-coding")
                .at("Transfer-Encoding")
                .expected("chunked")
                .found_bytes(coding));
        }
        framing.is_chunked = true;
    }
    Ok(framing)
}

fn require_few(count: usize, bytes: usize, limits: &RequestLimits) -> Result<(), Refusal> {
    if count > usize::from(limits.max_headers) {
        return Err(Refusal::misbehaved("endpoint.header.too-many")
            .with_status(431)
            .expected(&format!("{} headers at most", limits.max_headers))
            .found(&count.to_string()));
    }
    if u32::try_from(bytes).map_or(true, |bytes| bytes > limits.max_header_bytes) {
        return Err(Refusal::misbehaved("endpoint.header.too-large")
            .with_status(431)
            .expected(&format!("{} bytes of headers at most", limits.max_header_bytes))
            .found(&bytes.to_string()));
    }
    Ok(())
}

fn once<'a>(place: &mut Option<&'a [u8]>, name: &str, value: &'a [u8]) -> Result<(), Refusal> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Refusal::misbehaved("endpoint.header.duplicate").at(name).expected("the header once")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(headers: &[(&str, &str)]) -> &'static str {
        let limits = RequestLimits::default();
        judge(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())), &limits)
            .map(|_| "accepted")
            .unwrap_or_else(|refusal| refusal.code)
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for name in ["Host", "content-length", "Content-Type", "AUTHORIZATION", "transfer-encoding"] {
            assert_eq!(code(&[(name, "chunked"), (name, "chunked")]), "endpoint.header.duplicate", "{name}");
        }
        assert_eq!(
            code(&[("content-length", "3"), ("transfer-encoding", "chunked")]),
            "endpoint.framing.ambiguous"
        );
        assert_eq!(code(&[("authorization", "Basic eDp4,Basic eTp5")]), "endpoint.header.duplicate");
        assert_eq!(code(&[("transfer-encoding", "gzip, chunked")]), "endpoint.framing.unknown-coding");
        assert_eq!(code(&[("transfer-encoding", "xchunked")]), "endpoint.framing.unknown-coding");
        assert_eq!(
            code(&[("connection", "close, X-Postern-Client-Address")]),
            "endpoint.header.connection-names-reserved"
        );
        assert_eq!(code(&[("upgrade", "h2c")]), "endpoint.header.upgrade");
        for value in ["", "100-continue, x", "y 100-continue", "200-ok", "100-continue\t;"] {
            assert_eq!(code(&[("Expect", value)]), "endpoint.header.expect", "{value}");
        }
        assert_eq!(code(&[("cookie", "a=b"), (":path", "/carbon")]), "endpoint.pseudo-header.misplaced");
        assert_eq!(code(&[("X-Original-URL", "/carbon")]), "endpoint.header.overrides");
        assert_eq!(code(&[("x_http_method_override", "PUT")]), "endpoint.header.overrides");
    }

    #[test]
    fn ordinary_headers_pass() {
        let headers = [
            ("host", "sso.example.com"),
            ("connection", "keep-alive"),
            ("cookie", "a=b"),
            ("cookie", "c=d"),
            ("x-original-urls", "x"),
            ("transfer-encoding", "Chunked"),
            ("expect", "100-Continue"),
        ];
        assert_eq!(code(&headers), "accepted");
    }

    #[test]
    fn headers_are_counted_and_weighed() {
        let many = [("a", "b"); 64];
        assert_eq!(code(&many), "accepted");
        assert_eq!(code(&[many.as_slice(), &[("a", "b")]].concat()), "endpoint.header.too-many");
        let value = "v".repeat(32 * 1024 - 1);
        assert_eq!(code(&[("n", &value)]), "accepted");
        assert_eq!(code(&[("nn", &value)]), "endpoint.header.too-large");
    }
}

//! Rules for headers that two readers could read in two ways, or that are ours.

use postern_refusal::Refusal;

/// Headers that start like this, with `_` and `.` read as `-` and in any case, are ours: the
/// DMZ sets them for the LAN. Inbound ones are stripped.
pub const RESERVED_PREFIX: &str = "x-postern-";

/// Whether a header of this name is ours.
pub fn is_reserved(name: &[u8]) -> bool {
    starts_with_folded(name, RESERVED_PREFIX.as_bytes())
}

/// The headers of a request that bear on how it is read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Framing<'a> {
    pub(crate) content_length: Option<&'a [u8]>,
    pub(crate) content_type: Option<&'a [u8]>,
    pub(crate) is_chunked: bool,
}

/// Headers with which a client would name another path or method than the request line.
const OVERRIDES: [&str; 7] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-uri",
    "x-rewrite-url",
];

/// Judges all headers but the pseudo headers.
///
/// # Errors
/// `endpoint.header.duplicate`, `endpoint.header.overrides`, `endpoint.header.upgrade`,
/// `endpoint.header.connection-names-reserved`, `endpoint.framing.ambiguous`,
/// `endpoint.framing.unknown-coding`.
pub(crate) fn judge<'a>(headers: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Result<Framing<'a>, Refusal> {
    let mut framing = Framing::default();
    let mut transfer_encoding = None;
    let mut host = None;
    let mut authorization = None;
    for (name, value) in headers {
        // Lengths first: most headers are none of these, and every request comes through here.
        match name.len() {
            4 if is(name, "host") => once(&mut host, "Host", value)?,
            7 if is(name, "upgrade") => {
                return Err(Refusal::misbehaved("endpoint.header.upgrade")
                    .at("Upgrade")
                    .expected("no change of protocol"));
            }
            10 if is(name, "connection") => judge_connection(value)?,
            12 if is(name, "content-type") => once(&mut framing.content_type, "Content-Type", value)?,
            13 if is(name, "authorization") => {
                once(&mut authorization, "Authorization", value)?;
                // Proxies join two headers with a comma (Envoy does, before any filter sees
                // them). No scheme that is served here has one in its credentials.
                if value.contains(&b',') {
                    once(&mut authorization, "Authorization", value)?;
                }
            }
            14 if is(name, "content-length") => once(&mut framing.content_length, "Content-Length", value)?,
            17 if is(name, "transfer-encoding") => once(&mut transfer_encoding, "Transfer-Encoding", value)?,
            _ => {}
        }
        if let Some(overriding) = OVERRIDES.iter().find(|overriding| is_folded(name, overriding)) {
            return Err(Refusal::misbehaved("endpoint.header.overrides")
                .at(overriding)
                .expected("no header that names another method or path"));
        }
    }
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

fn once<'a>(place: &mut Option<&'a [u8]>, name: &str, value: &'a [u8]) -> Result<(), Refusal> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Refusal::misbehaved("endpoint.header.duplicate").at(name).expected("the header once")),
    }
}

/// `Connection: x-postern-…` would make the next hop drop what the DMZ tells the LAN.
fn judge_connection(value: &[u8]) -> Result<(), Refusal> {
    let names_reserved = value.split(|byte| *byte == b',').any(|option| is_reserved(option.trim_ascii()));
    if names_reserved {
        return Err(Refusal::misbehaved("endpoint.header.connection-names-reserved")
            .at("Connection")
            .expected("options that are not ours"));
    }
    Ok(())
}

fn is(name: &[u8], expected: &str) -> bool {
    name.eq_ignore_ascii_case(expected.as_bytes())
}

fn is_folded(name: &[u8], expected: &str) -> bool {
    name.len() == expected.len() && starts_with_folded(name, expected.as_bytes())
}

fn starts_with_folded(name: &[u8], start: &[u8]) -> bool {
    let fold = |byte: &u8| match byte {
        b'_' | b'.' => b'-',
        byte => byte.to_ascii_lowercase(),
    };
    name.get(..start.len()).is_some_and(|beginning| beginning.iter().map(fold).eq(start.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(headers: &[(&str, &str)]) -> &'static str {
        judge(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
            .map(|_| "accepted")
            .unwrap_or_else(|refusal| refusal.code)
    }

    #[test]
    fn reserved_names_are_folded() {
        for name in ["x-postern-client-address", "X_Postern.Anything", "x-postern-", "X-POSTERN_X"] {
            assert!(is_reserved(name.as_bytes()), "{name}");
        }
        for name in ["x-poster", "x-posternx", "xpostern-a", "postern-x", ""] {
            assert!(!is_reserved(name.as_bytes()), "{name}");
        }
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
        ];
        assert_eq!(code(&headers), "accepted");
    }
}

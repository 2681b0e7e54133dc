//! Pseudo headers (RFC 9113 section 8.3.1): what HTTP/2 has in place of a request line, and what
//! proxies show of HTTP/1.1 in the same form.

use postern_refusal::Refusal;

/// The pseudo headers of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PseudoHeaders<'a> {
    /// `:method`
    pub method: &'a [u8],
    /// `:path`, empty for CONNECT.
    pub path: &'a [u8],
    /// `:authority`, empty when there is none.
    pub authority: &'a [u8],
}

/// Reads the pseudo headers, which stand before all others. One behind them is the table's to
/// refuse (`endpoint.pseudo-header.misplaced`).
///
/// # Errors
/// - `endpoint.pseudo-header.duplicate`, `.unknown` (also `:protocol`: no extended CONNECT),
///   `.absent` (no method)
/// - `endpoint.authority.user-information`: `user@host` is another host to some readers
/// - `endpoint.scheme.unknown`: not http or https
pub fn read<'a>(headers: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Result<PseudoHeaders<'a>, Refusal> {
    let (mut method, mut path, mut authority, mut scheme) = (None, None, None, None);
    for (name, value) in headers.take_while(|(name, _)| is_pseudo(name)) {
        let place = match name {
            b":method" => &mut method,
            b":path" => &mut path,
            b":authority" => &mut authority,
            b":scheme" => &mut scheme,
            _ => return Err(refused("endpoint.pseudo-header.unknown", name)),
        };
        if place.replace(value).is_some() {
            return Err(refused("endpoint.pseudo-header.duplicate", name));
        }
    }
    if let Some(scheme) = scheme
        && !matches!(scheme, b"http" | b"https")
    {
        return Err(Refusal::misbehaved("endpoint.scheme.unknown")
            .at(":scheme")
            .expected("http or https")
            .found_bytes(scheme));
    }
    let authority: &[u8] = authority.unwrap_or_default();
    if authority.contains(&b'@') {
        return Err(Refusal::misbehaved("endpoint.authority.user-information")
            .at(":authority")
            .expected("a host and a port"));
    }
    let method = method.ok_or_else(|| refused("endpoint.pseudo-header.absent", b":method"))?;
    Ok(PseudoHeaders { method, path: path.unwrap_or_default(), authority })
}

/// Whether the name is a pseudo header's.
pub fn is_pseudo(name: &[u8]) -> bool {
    name.first() == Some(&b':')
}

fn refused(code: &'static str, name: &[u8]) -> Refusal {
    Refusal::misbehaved(code)
        .at(&String::from_utf8_lossy(name))
        .expected(":method, :scheme, :authority and :path, each once, before all other headers")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(headers: &[(&str, &str)]) -> &'static str {
        read(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
            .map(|_| "accepted")
            .unwrap_or_else(|refusal| refusal.code)
    }

    const GOOD: [(&str, &str); 4] =
        [(":method", "GET"), (":scheme", "https"), (":authority", "sso.example.com"), (":path", "/samlsso")];

    fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
        [&GOOD, more].concat()
    }

    #[test]
    fn each_may_stand_there_once_and_first() {
        assert_eq!(code(&GOOD), "accepted");
        assert_eq!(code(&with(&[("cookie", "a=b")])), "accepted");
        assert_eq!(code(&with(&[(":path", "/carbon")])), "endpoint.pseudo-header.duplicate");
        assert_eq!(code(&with(&[(":protocol", "websocket")])), "endpoint.pseudo-header.unknown");
        assert_eq!(code(&with(&[(":Path", "/carbon")])), "endpoint.pseudo-header.unknown");
        assert_eq!(code(&GOOD[1..]), "endpoint.pseudo-header.absent");
        assert_eq!(code(&[GOOD[0], (":scheme", "ftp")]), "endpoint.scheme.unknown");
        assert_eq!(
            code(&[GOOD[0], (":authority", "sso.example.com@evil.example")]),
            "endpoint.authority.user-information"
        );
    }
}

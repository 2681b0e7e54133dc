//! Redirect URIs as they may be registered. Requests are compared letter by letter with them.

use postern_refusal::Refusal;

/// Longest redirect URI, in bytes.
pub(crate) const MAX_REDIRECT_URI: usize = 2_048;

/// Checks a URI that an operator registers: `https`, or `http` on the loopback interface; with a
/// host, without user information, fragment, wildcard and dot segments (RFC 6749 section 3.1.2,
/// RFC 8252 section 7.3, RFC 9700 section 2.1).
///
/// # Errors
/// `oauth.registration.invalid`, naming `field`.
pub fn check_redirect_uri(field: &str, uri: &str) -> Result<(), Refusal> {
    if is_acceptable(uri) {
        return Ok(());
    }
    Err(Refusal::configuration("oauth.registration.invalid")
        .at(field)
        .expected("https://host/…, or http:// on 127.0.0.1, [::1] or localhost; no fragment, no wildcard")
        .found(uri))
}

fn is_acceptable(uri: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()+,;=%".contains(&byte);
    if uri.len() > MAX_REDIRECT_URI || !uri.bytes().all(allowed) {
        return false;
    }
    let (rest, loopback_only) = match (uri.strip_prefix("https://"), uri.strip_prefix("http://")) {
        (Some(rest), _) => (rest, false),
        (_, Some(rest)) => (rest, true),
        _ => return false,
    };
    let (authority, path) = match rest.find(['/', '?']) {
        Some(end) => rest.split_at(end),
        None => (rest, ""),
    };
    let Some(host) = host(authority) else { return false };
    let path = path.split('?').next().unwrap_or_default();
    let dots = path.split('/').any(|segment| matches!(segment, "." | ".."));
    !dots && (!loopback_only || matches!(host, "127.0.0.1" | "[::1]" | "localhost"))
}

/// The host of an authority without user information, with a port from 1 to 65,535 if any.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(_) => {
            let end = authority.find(']')?.checked_add(1)?;
            let (host, port) = authority.split_at_checked(end)?;
            let inner = host.strip_prefix('[')?.strip_suffix(']')?;
            inner.parse::<core::net::Ipv6Addr>().ok()?;
            (host, port)
        }
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            let (host, port) = authority.split_at_checked(end)?;
            let name =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
            if host.is_empty() || !host.bytes().all(name) {
                return None;
            }
            (host, port)
        }
    };
    if let Some(port) = port.strip_prefix(':') {
        let digits = !port.is_empty() && !port.starts_with('0') && port.bytes().all(|b| b.is_ascii_digit());
        if !digits || port.parse::<u16>().is_err() {
            return None;
        }
    } else if !port.is_empty() {
        return None;
    }
    Some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_uris_are_checked() {
        for uri in [
            "https://app.example.com/cb",
            "https://app.example.com",
            "https://app.example.com:8443/cb?tenant=1",
            "http://localhost:3000/cb",
            "http://127.0.0.1:3000/cb",
            "http://[::1]:3000/cb",
        ] {
            assert!(check_redirect_uri("redirect_uris", uri).is_ok(), "{uri}");
        }
        for uri in [
            "",
            "app.example.com/cb",
            "http://app.example.com/cb",
            "http://localhost.evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1@evil.example/cb",
            "https://user@app.example.com/cb",
            "https://app.example.com/cb#x",
            "https://*.example.com/cb",
            "https://app.example.com/a/../cb",
            "https://app.example.com\\@evil.example/cb",
            "https:///cb",
            "https://APP.example.com/cb",
            "https://app.example.com:0/cb",
            "https://app.example.com:99999/cb",
            "https://app.example.com/c b",
            "https://[::zz]/cb",
            "javascript:alert(1)",
            "data:text/html,x",
        ] {
            let refusal = check_redirect_uri("redirect_uris", uri).unwrap_err();
            assert_eq!(refusal.code, "oauth.registration.invalid", "{uri}");
        }
    }
}

//! What the name of a header says about it.

/// Headers that start like this, with `_` and `.` read as `-` and in any case, are ours: the
/// DMZ sets them for the LAN. Inbound ones are stripped.
pub const RESERVED_PREFIX: &str = "x-postern-";

/// Whether a header of this name is ours.
pub fn is_reserved(name: &[u8]) -> bool {
    starts_with_folded(name, RESERVED_PREFIX.as_bytes())
}

/// Whether the DMZ takes the header off a request: it is ours, or it is for the next hop alone
/// (RFC 9110 section 7.6.1), or a server behind a proxy could believe it about the client.
///
/// Not among them are `X-Forwarded-For`, `-Proto` and `-Client-Cert` in exactly this spelling:
/// proxies write these themselves, Envoy over what the client sent or, for the first, behind it.
pub fn is_stripped(name: &[u8]) -> bool {
    matches!(Name::of(name), Name::Stripped)
}

/// The names that matter; all others are ordinary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Authorization,
    Connection,
    ContentLength,
    ContentType,
    Host,
    /// Starts with a colon: no such header stands among the others.
    Pseudo,
    /// Names another path or method than the request line does.
    Overrides,
    /// See [`is_stripped`].
    Stripped,
    TransferEncoding,
    Upgrade,
    Ordinary,
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

/// For the next hop alone, and `Proxy`, which CGI servers take for a setting (CVE-2016-5385).
const HOP_BY_HOP: [&str; 7] =
    ["keep-alive", "proxy", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"];

/// Who the client is and what it asked for, as proxies tell it. Nobody else may.
const IDENTITY: [&str; 21] = [
    "cf-connecting-ip",
    "client-ip",
    "fastly-client-ip",
    "forwarded",
    "remote-user",
    "true-client-ip",
    "x-client-cert",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-preferred-username",
    "x-forwarded-server",
    "x-forwarded-user",
    "x-original-forwarded-for",
    "x-real-ip",
    "x-remote-user",
];

/// Whole families of them.
const IDENTITY_PREFIXES: [&str; 4] = ["ssl-client-", "x-auth-request-", "x-postern-", "x-ssl-client-"];

/// Written by the proxy itself under exactly this name, and by nobody under a folded one.
const PROXYS_OWN: [&str; 3] = ["x-forwarded-client-cert", "x-forwarded-for", "x-forwarded-proto"];

impl Name {
    /// Looks at the first letter, then at the length: most headers are ordinary, and every request
    /// comes through here.
    pub(crate) fn of(name: &[u8]) -> Self {
        let Some(first) = name.first() else { return Self::Ordinary };
        match (first.to_ascii_lowercase(), name.len()) {
            (b'a', 13) if is(name, "authorization") => Self::Authorization,
            (b'c', 10) if is(name, "connection") => Self::Connection,
            (b'c', 12) if is(name, "content-type") => Self::ContentType,
            (b'c', 14) if is(name, "content-length") => Self::ContentLength,
            (b':', _) => Self::Pseudo,
            (b'h', 4) if is(name, "host") => Self::Host,
            (b't', 17) if is(name, "transfer-encoding") => Self::TransferEncoding,
            (b'u', 7) if is(name, "upgrade") => Self::Upgrade,
            (b'x', _) => Self::of_extension(name),
            (b'c' | b'f' | b'k' | b'p' | b'r' | b's' | b't', _) if is_for_proxies(name) => Self::Stripped,
            _ => Self::Ordinary,
        }
    }

    fn of_extension(name: &[u8]) -> Self {
        if OVERRIDES.iter().any(|own| is_folded(name, own)) {
            return Self::Overrides;
        }
        let disguised = || PROXYS_OWN.iter().any(|own| is_folded(name, own) && !is(name, own));
        if is_for_proxies(name) || disguised() { Self::Stripped } else { Self::Ordinary }
    }
}

fn is_for_proxies(name: &[u8]) -> bool {
    HOP_BY_HOP.iter().chain(&IDENTITY).any(|own| is_folded(name, own))
        || IDENTITY_PREFIXES.iter().any(|prefix| starts_with_folded(name, prefix.as_bytes()))
}

fn is(name: &[u8], expected: &str) -> bool {
    name.eq_ignore_ascii_case(expected.as_bytes())
}

/// With `_` and `.` read as `-`: servers that turn headers into variables can't tell them apart.
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

    #[test]
    fn reserved_names_are_folded() {
        for name in ["x-postern-client-address", "X_Postern.Anything", "x-postern-", "X-POSTERN_X"] {
            assert!(is_reserved(name.as_bytes()), "{name}");
            assert!(is_stripped(name.as_bytes()), "{name}");
        }
        for name in ["x-poster", "x-posternx", "xpostern-a", "postern-x", ""] {
            assert!(!is_reserved(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn what_is_for_proxies_alone_is_stripped_under_folded_names() {
        for name in HOP_BY_HOP.iter().chain(&IDENTITY) {
            for spelling in [(*name).to_owned(), name.to_uppercase(), name.replace('-', "_")] {
                assert!(is_stripped(spelling.as_bytes()), "{spelling}");
            }
        }
        for name in ["x_forwarded_for", "X.Forwarded-Proto", "ssl_client_verify", "x-auth-request-user"] {
            assert!(is_stripped(name.as_bytes()), "{name}");
        }
        for name in ["x-forwarded-for", "X-Forwarded-Proto", "cookie", "user-agent", "prefer", "tea", "x"] {
            assert!(!is_stripped(name.as_bytes()), "{name}");
        }
    }
}

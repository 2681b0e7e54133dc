//! Where a request goes: a URL, read strictly.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use postern_kernel::outbound::{MAX_URL, OutboundError, OutboundFailure};

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authority {
    pub(crate) host: Host,
    pub(crate) port: u16,
}

/// A name in lower case, or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Name(String),
    Address(IpAddr),
}

/// An absolute URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Whether it is `https`.
    pub(crate) is_secure: bool,
    pub(crate) place: Authority,
    /// As it stands in the URL: the value of the header Host.
    authority: String,
    /// Path and query: origin-form (RFC 9112 section 3.2.1).
    pub(crate) path: String,
}

impl Target {
    /// Reads `https://host[:port]/path[?query]`; `http` only with a loopback address. Nothing is normalised: a
    /// name has lower case, a default port is not written, and there are neither fragments nor user information.
    ///
    /// # Errors
    /// [`OutboundFailure::Invalid`] for anything else.
    pub(crate) fn read(url: &str) -> Result<Self, OutboundError> {
        let invalid = |detail: &str| OutboundError::new(OutboundFailure::Invalid, format!("url: {detail}"));
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte);
        if url.len() > MAX_URL || !url.bytes().all(is_allowed) {
            return Err(invalid("too long, or a character that a URL does not have"));
        }
        let (is_secure, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(invalid("neither https nor http")),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let place = Authority::read(authority, if is_secure { 443 } else { 80 })
            .ok_or_else(|| invalid("its host is neither a name in lower case nor an address"))?;
        let is_loopback = matches!(place.host, Host::Address(address) if address.is_loopback());
        if !is_secure && !is_loopback {
            return Err(invalid("http goes to a loopback address alone"));
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self { is_secure, place, authority: authority.into(), path: format!("{slash}{path}") })
    }

    /// `host` or `host:port`.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }
}

impl Authority {
    /// Reads `host` or `host:port`, in which the default port is not written.
    pub(crate) fn read(text: &str, default: u16) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']')?;
            let read: Ipv6Addr = address.parse().ok()?;
            let port = match port.strip_prefix(':') {
                Some(port) => given(port, default)?,
                None => port.is_empty().then_some(default)?,
            };
            return (read.to_string() == address).then_some(Self { host: Host::Address(read.into()), port });
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, given(port, default)?),
            None => (text, default),
        };
        if let Ok(address) = host.parse::<Ipv4Addr>() {
            return Some(Self { host: Host::Address(address.into()), port });
        }
        is_name(host).then(|| Self { host: Host::Name(host.into()), port })
    }
}

/// A port that is written: not the default one, no zeros before it.
fn given(text: &str, default: u16) -> Option<u16> {
    let port = text.parse::<u16>().ok().filter(|port| *port != 0 && *port != default)?;
    (port.to_string() == text).then_some(port)
}

/// A host name in lower case (RFC 1123 section 2.1). Its last label has a letter first, so that nothing is a
/// name here and an address to the resolver: `127.1`, `2130706433`, `0x7f.0.0.1`.
fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253
        && text.split('.').all(is_label)
        && last.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        for (url, secure, authority, port, path) in [
            ("https://op.example/a?b=c", true, "op.example", 443, "/a?b=c"),
            ("https://op.example", true, "op.example", 443, "/"),
            ("https://op.example?x", true, "op.example", 443, "/?x"),
            ("https://op.example:8443/", true, "op.example:8443", 8443, "/"),
            ("https://10.0.0.1/", true, "10.0.0.1", 443, "/"),
            ("https://[fd00::1]:8443/x", true, "[fd00::1]:8443", 8443, "/x"),
            ("http://127.0.0.1:3000/x", false, "127.0.0.1:3000", 3000, "/x"),
            ("http://[::1]/x", false, "[::1]", 80, "/x"),
        ] {
            let target = Target::read(url).unwrap();
            assert_eq!(
                (target.is_secure, target.authority(), target.place.port, target.path.as_str()),
                (secure, authority, port, path)
            );
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for url in [
            "",
            "op.example/",
            "//op.example/",
            "HTTPS://op.example/",
            "ftp://op.example/",
            "file:///etc/passwd",
            "https://",
            "https:///x",
            "https://OP.example/",
            "https://op.example:443/",
            "https://op.example:0443/",
            "https://op.example:0/",
            "https://op.example:99999/",
            "https://op.example:/",
            "https://op.example./",
            "https://.op.example/",
            "https://-op.example/",
            "https://op..example/",
            "https://op_.example/",
            "https://user@op.example/",
            "https://op.example@evil.example/",
            "https://op.example:pass@evil.example/",
            "https://op.example\\@evil.example/",
            "https://op.example#@evil.example/",
            "https://op.example/#f",
            "https://op.example/ x",
            "https://op.example/\r\nHost: evil.example",
            "https://op.example/\u{e9}",
            "https://op%2eexample/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://127.0.0.1.nip.0x7f/",
            "https://[::1/",
            "https://[::1]x/",
            "https://[0:0:0:0:0:0:0:1]/",
            "https://[::ffff:127.0.0.1%25eth0]/",
            "https://::1/",
            "http://op.example/",
            "http://localhost:3000/",
            "http://10.0.0.1/",
            "http://127.0.0.1:80/",
        ] {
            let error = Target::read(url).unwrap_err();
            assert_eq!(error.failure, OutboundFailure::Invalid, "{url}");
        }
        assert!(Target::read(&format!("https://op.example/{}", "x".repeat(MAX_URL))).is_err());
    }
}

//! Where an authenticator may send people.

use core::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Bytes of a URL that somebody is sent to: a signed SAML request by HTTP-Redirect is the longest.
pub const MAX_REDIRECT: usize = 16 << 10;

/// What of our own origin authenticators may send people to.
const OWN: &str = "/commonauth/";

/// The person goes elsewhere and comes back to [`super::Context::return_uri`].
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Redirection {
    pub url: String,
    pub state: Vec<u8>,
}

impl fmt::Debug for Redirection {
    /// The URL names the person's attempt, the state may hold a verifier.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redirection({})", authority(&self.url).unwrap_or_default())
    }
}

/// Names and values of a form that is posted where somebody is sent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PostedFields(pub Vec<(String, String)>);

impl fmt::Debug for PostedFields {
    /// Names alone: the values name the person's attempt.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// How somebody came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub enum Carrier {
    Query,
    Form,
}

/// Why nobody is sent there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectError {
    /// No absolute https URL, or one with what two readers may read in two ways.
    Malformed,
    /// A host that the operator does not name, or a path of ours that is none of these.
    Ungranted,
}

impl RedirectError {
    /// Its reason code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "authenticator.redirect.malformed",
            Self::Ungranted => "authenticator.redirect.ungranted",
        }
    }
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())?;
        f.write_str(match self {
            Self::Malformed => {
                ": an absolute https URL of visible ASCII characters is needed, its host in lower case, \
                 without user information and fragment, 16 KiB at most"
            }
            Self::Ungranted => ": the operator allows it no redirects there (`redirects`)",
        })
    }
}

impl std::error::Error for RedirectError {}

impl Redirection {
    /// Whether people may be sent there from `base_url`: to the hosts of `granted`, each with its port when
    /// that is not the scheme's own, and to our own `/commonauth/…`. Without `granted`: nowhere.
    ///
    /// # Errors
    /// [`RedirectError`].
    pub fn check(&self, base_url: &str, granted: Option<&[String]>) -> Result<(), RedirectError> {
        let authority = authority(&self.url)?;
        let granted = granted.ok_or(RedirectError::Ungranted)?;
        let own =
            self.url.strip_prefix(base_url).filter(|path| path.is_empty() || path.starts_with(['/', '?']));
        let is_good = match own {
            Some(path) => is_own_path(path),
            None => granted.iter().any(|known| known == authority),
        };
        if is_good { Ok(()) } else { Err(RedirectError::Ungranted) }
    }

    /// The same for a POST, which goes to none of our own paths: here the browser would send our cookies along, as
    /// with a form that the person has filled in.
    ///
    /// # Errors
    /// [`RedirectError`].
    pub fn check_post(&self, base_url: &str, granted: Option<&[String]>) -> Result<(), RedirectError> {
        self.check(base_url, granted)?;
        let own = base_url.split_once("://").map(|(_, authority)| authority);
        if authority(&self.url).ok() == own { Err(RedirectError::Ungranted) } else { Ok(()) }
    }
}

/// Whether the operator's entry names a host as [`Redirection::check`] compares it: `login.example.org`, or
/// `login.example.org:8443`.
pub fn is_redirect_host(text: &str) -> bool {
    is_authority(text)
}

/// The host, and the port when there is one.
fn authority(url: &str) -> Result<&str, RedirectError> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&byte);
    if url.len() > MAX_REDIRECT || !url.bytes().all(is_plain) {
        return Err(RedirectError::Malformed);
    }
    let (rest, is_http) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) => (rest, true),
        (None, None) => return Err(RedirectError::Malformed),
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let own_port = if is_http { ":80" } else { ":443" };
    if !is_authority(authority) || authority.ends_with(own_port) || (is_http && !is_loopback(authority)) {
        return Err(RedirectError::Malformed);
    }
    Ok(authority)
}

fn is_authority(text: &str) -> bool {
    let (host, port) = split(text);
    let is_port =
        |port: &str| port.parse::<u16>().is_ok_and(|number| number != 0 && number.to_string() == port);
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let is_host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok_and(|parsed| parsed.to_string() == address),
        None => !host.is_empty() && host.len() <= 253 && host.split('.').all(is_label),
    };
    is_host && port.is_none_or(is_port)
}

fn split(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

/// The browser's own machine: nobody on the way reads or changes what is not encrypted.
fn is_loopback(authority: &str) -> bool {
    let (host, _) = split(authority);
    let is_address = host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    host == "localhost" || host == "[::1]" || is_address
}

/// A path below `/commonauth/` as every browser reads it: browsers resolve `..` and `%2e%2e`.
fn is_own_path(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    // No empty one either.
    let is_segment =
        |segment: &str| segment.bytes().all(is_plain) && segment.bytes().any(|byte| byte != b'.');
    path.strip_prefix(OWN).is_some_and(|rest| rest.split('/').all(is_segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://sso.example.com";

    fn check(url: &str) -> Result<(), RedirectError> {
        let granted = ["login.example.org", "login.example.org:8443", "127.0.0.1:9000", "[::1]:9000"];
        let granted: Vec<String> = granted.map(str::to_owned).to_vec();
        Redirection { url: url.into(), state: Vec::new() }.check(BASE, Some(&granted))
    }

    #[test]
    fn granted_hosts_and_our_own_path_are_reached() {
        for good in [
            "https://login.example.org",
            "https://login.example.org/authorize?client_id=x&back=https%3A%2F%2Fsso.example.com",
            "https://login.example.org?x",
            "https://login.example.org:8443/",
            "https://127.0.0.1:9000/",
            "http://127.0.0.1:9000/authorize",
            "http://[::1]:9000/authorize",
            "https://sso.example.com/commonauth/negotiate",
            "https://sso.example.com/commonauth/negotiate?state=a.b",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn other_hosts_and_our_other_paths_are_not() {
        for bad in [
            "https://evil.example/",
            "https://login.example.org.evil.example/",
            "https://evil.example/?https://login.example.org/",
            "https://login.example.org:9000/",
            "https://127.0.0.1/",
            "http://127.0.0.1:9001/",
            "http://localhost/",
            "https://sso.example.com",
            "https://sso.example.com/",
            "https://sso.example.com?/commonauth/negotiate",
            "https://sso.example.com/commonauth",
            "https://sso.example.com/commonauth/",
            "https://sso.example.com/signed/authorize",
            "https://sso.example.com/commonauth/../signed/authorize",
            "https://sso.example.com/commonauth/./../oidc/logout",
            "https://sso.example.com/commonauth/%2e%2e/oidc/logout",
            "https://sso.example.com/commonauth//evil",
            "https://sso.example.com/commonauthx/negotiate",
            "https://sso.example.com:8443/commonauth/negotiate",
            "https://sso.example.community/commonauth/negotiate",
        ] {
            assert_eq!(check(bad), Err(RedirectError::Ungranted), "{bad}");
        }
        let own = Redirection { url: format!("{BASE}/commonauth/negotiate"), state: Vec::new() };
        assert_eq!(own.check(BASE, Some(&[])), Ok(()));
        assert_eq!(own.check(BASE, None), Err(RedirectError::Ungranted), "one that was not allowed any");
    }

    #[test]
    fn what_is_no_plain_https_url_is_refused() {
        let long = format!("https://login.example.org/?{}", "x".repeat(MAX_REDIRECT));
        for bad in [
            "",
            "javascript:alert(1)",
            "data:text/html,x",
            "//login.example.org/",
            "/commonauth/negotiate",
            "https:login.example.org",
            "https:///login.example.org",
            "https://?login.example.org",
            "HTTPS://login.example.org/",
            "https://LOGIN.example.org/",
            "https://login.example.org./",
            "https://-login.example.org/",
            "https://login.example.org:443/",
            "https://login.example.org:0/",
            "https://login.example.org:08443/",
            "https://login.example.org:/",
            "https://login.example.org@evil.example/",
            "https://evil.example:x@login.example.org/",
            "https://login.example.org\\@evil.example/",
            "https://login.example.org/#fragment",
            "https://login.example.org/ x",
            "https://login.example.org/\r\nset-cookie: x",
            "https://login.example.org/ü",
            "https://login.example.org/\u{0}",
            "https://login%2eexample.org/",
            "https://[::0001]:9000/",
            "https://[::1/",
            "http://login.example.org/",
            "http://127.0.0.1.evil.example/",
            "ftp://login.example.org/",
            &long,
        ] {
            assert_eq!(check(bad), Err(RedirectError::Malformed), "{bad}");
        }
    }

    #[test]
    fn nothing_is_posted_to_ourselves() {
        let check = |url: &str| {
            let granted = ["login.example.org".to_owned(), "sso.example.com".to_owned()];
            Redirection { url: url.into(), state: Vec::new() }.check_post(BASE, Some(&granted))
        };
        assert_eq!(check("https://login.example.org/sso?a=b"), Ok(()));
        assert_eq!(check("https://evil.example/"), Err(RedirectError::Ungranted));
        assert_eq!(check("https://LOGIN.example.org/"), Err(RedirectError::Malformed));
        for own in ["/commonauth/negotiate", "/commonauth/return/other", "", "/", "?a", "/signed/authorize"] {
            assert_eq!(check(&format!("{BASE}{own}")), Err(RedirectError::Ungranted), "{own}");
        }
    }

    #[test]
    fn the_operators_entries() {
        for good in ["login.example.org", "login.example.org:8443", "localhost", "127.0.0.1:1", "[::1]:9000"]
        {
            assert!(is_redirect_host(good), "{good}");
        }
        for bad in
            ["", "https://login.example.org", "login.example.org/", "*.example.org", "Login.example.org"]
        {
            assert!(!is_redirect_host(bad), "{bad}");
        }
    }
}

//! HTTP calls of authenticators to hosts outside, behind a trait.

use core::fmt;

use async_trait::async_trait;

/// Bytes of a URL.
pub const MAX_URL: usize = 4 << 10;
/// Header fields of a request.
pub const MAX_HEADERS: usize = 16;
/// Bytes of a header's value, in a request and in an answer.
pub const MAX_HEADER_VALUE: usize = 16 << 10;
/// Bytes of a request's body.
pub const MAX_REQUEST_BODY: usize = 64 << 10;
/// Bytes of an answer's body.
pub const MAX_ANSWER_BODY: usize = 512 << 10;

/// The request method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum OutboundMethod {
    Get,
    Post,
}

/// A call, as the component asks for it.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboundRequest {
    /// GET has no body.
    pub method: OutboundMethod,
    /// `https://host/path?query`.
    pub url: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// [`MAX_REQUEST_BODY`] at most.
    pub body: Vec<u8>,
    /// Name of a secret that the operator has bound to this authenticator and the host.
    pub credential: Option<String>,
    /// Whether an answer that is kept will do.
    pub cached: bool,
}

impl fmt::Debug for OutboundRequest {
    /// Query, headers and body may hold codes and tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.method, host_of(&self.url))
    }
}

/// What stands between the scheme and the path, for the log: no query, no user information.
pub fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    if host.len() <= 259 && host.bytes().all(is_plain) { host } else { "" }
}

/// What came back.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboundAnswer {
    /// 200 to 599. Redirects are not followed.
    pub status: u16,
    /// Those that components see, names in lower case.
    pub headers: Vec<(String, String)>,
    /// [`MAX_ANSWER_BODY`] at most.
    pub body: Vec<u8>,
    /// Whether it had been kept.
    pub was_kept: bool,
}

impl fmt::Debug for OutboundAnswer {
    /// What is in it may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutboundAnswer({}, {} bytes)", self.status, self.body.len())
    }
}

/// Whose fault it is that there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboundFailure {
    /// The component's: the request can't be sent as it is.
    Invalid,
    /// The component's or the operator's: host or credential are not granted.
    Ungranted,
    /// The operator's or the name's: it leads to an address that is not granted.
    RefusedAddress,
    /// The host's, or the network's.
    Unreachable,
    /// The host's: its certificate, or no common parameters.
    Tls,
    /// The host's: it took too long.
    TimedOut,
    /// The host's: more bytes than are read.
    TooLarge,
    /// The host's: no HTTP, or in a coding that was not asked for.
    Malformed,
    /// Ours: too many calls are under way.
    Busy,
}

impl OutboundFailure {
    /// The reason code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Invalid => "outbound.request.invalid",
            Self::Ungranted => "outbound.host.ungranted",
            Self::RefusedAddress => "outbound.address.refused",
            Self::Unreachable => "outbound.host.unreachable",
            Self::Tls => "outbound.tls.failed",
            Self::TimedOut => "outbound.answer.late",
            Self::TooLarge => "outbound.answer.too-large",
            Self::Malformed => "outbound.answer.malformed",
            Self::Busy => "outbound.calls.busy",
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundError {
    /// What the component is told.
    pub failure: OutboundFailure,
    /// For the log alone: addresses of the LAN are none of the component's business.
    pub detail: String,
}

impl OutboundError {
    /// The failure, with what the log says of it.
    pub fn new(failure: OutboundFailure, detail: impl fmt::Display) -> Self {
        Self { failure, detail: detail.to_string() }
    }
}

impl fmt::Display for OutboundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.failure.code(), self.detail)
    }
}

impl std::error::Error for OutboundError {}

/// Who makes the calls.
#[async_trait]
pub trait Outbound: Send + Sync {
    /// Sends the request of the authenticator of that name, as far as the operator lets it, and within a time
    /// that ends.
    ///
    /// # Errors
    /// [`OutboundError`] when there is no answer.
    async fn send(
        &self,
        authenticator: &str,
        request: OutboundRequest,
    ) -> Result<OutboundAnswer, OutboundError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_the_log_has_the_host_alone() {
        for (url, host) in [
            ("https://op.example/token?code=1", "op.example"),
            ("https://op.example:8443?x", "op.example:8443"),
            ("https://user:word@op.example/", "op.example"),
            ("https://[::1]:8443/", "[::1]:8443"),
            ("https://a\nb/", ""),
            ("op.example", ""),
        ] {
            assert_eq!(host_of(url), host);
        }
        let request = OutboundRequest {
            method: OutboundMethod::Post,
            url: "https://op.example/token?code=secret".into(),
            headers: vec![("authorization".into(), "Bearer secret".into())],
            body: b"secret".to_vec(),
            credential: None,
            cached: false,
        };
        assert_eq!(format!("{request:?}"), "Post op.example");
    }
}

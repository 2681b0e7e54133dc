//! The answer to a request that is refused.

use postern_refusal::Refusal;

use crate::abi;
use crate::host;
use crate::pairs::HeaderPairs;
use crate::request::Request;

/// An answer from the filter itself: neutral outside, the whole refusal in the proxy's log.
#[derive(Clone, Debug)]
pub struct Response {
    refusal: Refusal,
    headers: Vec<(&'static str, String)>,
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, headers: Vec::new() }
    }
}

impl Response {
    /// The same with one more header, such as `www-authenticate` or `allow`.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The refusal that it answers with.
    pub fn refusal(&self) -> &Refusal {
        &self.refusal
    }

    /// The reason code.
    pub(crate) fn code(&self) -> &'static str {
        self.refusal.code
    }

    /// Answers the request. The reason code becomes the response code details of the access log,
    /// the refusal in words its filter state `wasm.postern.refusal`, and one line is logged.
    pub(crate) fn send(&self, filter: &str, request: &Request) {
        let id = request.correlation_id();
        let refusal = self.refusal.to_string();
        host::warn(&format!("{filter}: refused {id}: {refusal}"));
        let _ = abi::set_property("postern.refusal", refusal.as_bytes());
        request.log_correlation_id();
        let body = format!("{}\nReference: {id}\n", phrase(self.refusal.status));
        let sent = abi::send_local_response(
            self.refusal.status,
            self.refusal.code,
            &self.serialised(id),
            body.as_bytes(),
        );
        if let Err(failed) = sent {
            // The request stays held: the proxy's timeouts end it.
            host::warn(&format!("{filter}: no answer could be sent to {id}: {failed}"));
        }
    }

    fn serialised(&self, id: &str) -> Vec<u8> {
        let mut pairs = vec![
            ("content-type", "text/plain; charset=utf-8"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-correlation-id", id),
        ];
        pairs.extend(self.headers.iter().map(|(name, value)| (*name, value.as_str())));
        crate::pairs::serialise(&pairs)
    }
}

/// The headers of a response on its way to the client.
#[derive(Debug)]
pub struct ResponseHeaders {
    _private: (),
}

impl ResponseHeaders {
    pub(crate) fn current() -> Self {
        Self { _private: () }
    }

    /// A copy of all of them; empty when they can't be read.
    pub fn read(&self) -> HeaderPairs {
        HeaderPairs::within(abi::header_pairs(abi::Map::Response).unwrap_or_default())
    }

    /// Sets a header in place of all of that name. One that can't be set is logged: the response
    /// goes on, its verdict was spoken with the request.
    pub fn set(&self, name: &str, value: &[u8]) {
        if let Err(failed) = abi::replace_header(abi::Map::Response, name, value) {
            host::warn(&format!("the response header {name} can't be set: {failed}"));
        }
    }
}

/// What people see. Statuses that no refusal has are not told apart.
fn phrase(status: u16) -> &'static str {
    match status {
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        500..=599 => "Internal Server Error",
        _ => "Bad Request",
    }
}

//! What is sent: a component's request, as a message of HTTP/1.1.

use std::collections::BTreeSet;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Request};
use postern_kernel::outbound::{
    MAX_HEADER_VALUE, MAX_HEADERS, MAX_REQUEST_BODY, OutboundError, OutboundFailure, OutboundMethod,
    OutboundRequest,
};

use crate::credential::Credential;
use crate::target::Target;

/// Headers that frame a message, route it, or say who sends it: the host's own.
const OWN: [&str; 22] = [
    "accept-encoding",
    "alt-used",
    "connection",
    "content-encoding",
    "content-length",
    "cookie",
    "cookie2",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-real-ip",
];

/// The message.
///
/// # Errors
/// [`OutboundFailure::Invalid`] when the component asks for what can't be sent.
pub(crate) fn message(
    request: &OutboundRequest,
    target: &Target,
    credential: Option<&Credential>,
) -> Result<Request<Full<Bytes>>, OutboundError> {
    if request.method == OutboundMethod::Get && !request.body.is_empty() {
        return Err(invalid("GET has no body"));
    }
    if request.body.len() > MAX_REQUEST_BODY || request.headers.len() > MAX_HEADERS {
        return Err(invalid("body or headers are too many"));
    }
    let method = match request.method {
        OutboundMethod::Get => Method::GET,
        OutboundMethod::Post => Method::POST,
    };
    let mut builder = Request::builder()
        .method(method)
        .uri(&target.path)
        .header(header::HOST, target.authority())
        .header(header::USER_AGENT, "postern")
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::CONNECTION, "close");
    let mut names = BTreeSet::new();
    for (name, value) in &request.headers {
        if !names.insert(name) {
            return Err(invalid("the same header twice"));
        }
        let (name, value) = checked(name, value)?;
        if name == header::AUTHORIZATION && (credential.is_some() || !is_bearer(&value)) {
            return Err(invalid("authorization is Bearer, and not beside a credential"));
        }
        builder = builder.header(name, value);
    }
    if let Some(credential) = credential {
        builder = builder.header(header::AUTHORIZATION, credential.authorization());
    }
    builder.body(Full::new(Bytes::from(request.body.clone()))).map_err(invalid)
}

/// A header that a component may send.
fn checked(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), OutboundError> {
    let is_own = OWN.contains(&name) || name.starts_with("x-forwarded") || name.starts_with("sec-");
    // No `_`: some servers read it as `-`.
    let is_token = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    if is_own || name.is_empty() || name.len() > 64 || !name.bytes().all(is_token) {
        return Err(invalid("a header that is none of a component's"));
    }
    // RFC 9110 section 5.5: visible characters and spaces between them.
    let is_value = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if value.len() > MAX_HEADER_VALUE || value.trim() != value || !value.bytes().all(is_value) {
        return Err(invalid("a header's value that is none"));
    }
    let mut read = HeaderValue::from_str(value).map_err(invalid)?;
    read.set_sensitive(true);
    Ok((HeaderName::from_bytes(name.as_bytes()).map_err(invalid)?, read))
}

/// An access token that the component was given: what it could as well send in the body.
fn is_bearer(value: &HeaderValue) -> bool {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
    value
        .as_bytes()
        .strip_prefix(b"Bearer ")
        .is_some_and(|token| !token.is_empty() && token.iter().all(is_token))
}

fn invalid(detail: impl std::fmt::Display) -> OutboundError {
    OutboundError::new(OutboundFailure::Invalid, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(headers: &[(&str, &str)]) -> Result<Request<Full<Bytes>>, OutboundError> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let request = OutboundRequest {
            method: OutboundMethod::Post,
            url: "https://op.example/token".into(),
            headers: headers.iter().map(own).collect(),
            body: b"a=b".to_vec(),
            credential: None,
            cached: false,
        };
        message(&request, &Target::read(&request.url).unwrap(), None)
    }

    #[test]
    fn what_a_component_may_send() {
        let sent = with(&[
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "application/json"),
            ("authorization", "Bearer abc"),
            ("x-api-key", "abc"),
        ])
        .unwrap();
        assert_eq!(sent.uri(), "/token");
        assert_eq!(sent.headers()["host"], "op.example");
        assert_eq!(sent.headers()["authorization"], "Bearer abc");
        assert_eq!(sent.headers().len(), 8);
    }

    #[test]
    fn what_it_may_not() {
        for (name, value) in OWN.iter().map(|name| (*name, "x")).chain([
            ("x-forwarded-for", "127.0.0.1"),
            ("sec-fetch-mode", "cors"),
            ("Host", "a"),
            ("", "a"),
            ("a b", "a"),
            ("a:", "a"),
            ("a\r\nhost", "a"),
            ("accept", "a\r\nhost: evil.example"),
            ("accept", "a\nb"),
            ("accept", "a\0b"),
            ("accept", "a\tb"),
            ("accept", " a"),
            ("accept", "\u{fc}"),
            ("authorization", "Basic YTpi"),
            ("authorization", "Bearer"),
            ("authorization", "Bearer a b"),
        ]) {
            let error = with(&[(name, value)]).unwrap_err();
            assert_eq!(error.failure, OutboundFailure::Invalid, "{name}: {value}");
        }
        assert!(with(&[("accept", "a"), ("accept", "b")]).is_err());
        let credential =
            Credential::new("op.example".parse().unwrap(), &crate::CredentialKind::Bearer, "secret");
        let request = OutboundRequest {
            method: OutboundMethod::Get,
            url: "https://op.example/".into(),
            headers: vec![("authorization".into(), "Bearer a".into())],
            body: Vec::new(),
            credential: Some("client".into()),
            cached: false,
        };
        let target = Target::read(&request.url).unwrap();
        assert!(message(&request, &target, credential.as_ref()).is_err());
        let alone = OutboundRequest { headers: Vec::new(), ..request.clone() };
        let sent = message(&alone, &target, credential.as_ref()).unwrap();
        assert_eq!(sent.headers()["authorization"], "Bearer secret");
        assert!(message(&OutboundRequest { body: vec![1], ..alone }, &target, None).is_err());
    }
}

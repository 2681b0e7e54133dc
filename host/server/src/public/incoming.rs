//! The request as its bytes came, for the table of endpoints.

use axum::http::{Method, Version, request};
use hyper::body::{Body as _, Incoming};
use postern_endpoint::{Accepted, EndpointTable};
use postern_refusal::Refusal;

/// Method, target, authority and headers.
pub(super) struct Raw<'r> {
    parts: &'r request::Parts,
    /// As in the request line, or `:path`.
    pub(super) target: String,
    authority: String,
    has_body: bool,
}

impl<'r> Raw<'r> {
    pub(super) fn read(parts: &'r request::Parts, body: &Incoming) -> Self {
        let uri = &parts.uri;
        let is_http2 = parts.version == Version::HTTP_2;
        // HTTP/2 always has scheme and authority. In HTTP/1.1 they stand in the target of an
        // absolute or authority form, and nowhere else.
        let is_origin_form = is_http2 || (uri.scheme().is_none() && uri.authority().is_none());
        let target = match uri.path_and_query() {
            Some(path) if is_origin_form && parts.method != Method::CONNECT => path.as_str().to_owned(),
            _ => uri.to_string(),
        };
        let authority = match uri.authority() {
            Some(authority) if is_http2 => authority.as_str().to_owned(),
            _ => host(parts).map(|host| String::from_utf8_lossy(host).into_owned()).unwrap_or_default(),
        };
        Self { parts, target, authority, has_body: !body.is_end_stream() }
    }

    /// # Errors
    /// What the table refuses, and `server.host.conflict`.
    pub(super) fn judge<'t, 'a>(&'a self, table: &'t EndpointTable) -> Result<Accepted<'t, 'a>, Refusal> {
        if host(self.parts).is_some_and(|host| host != self.authority.as_bytes()) {
            return Err(Refusal::misbehaved("server.host.conflict").at("Host").expected(&self.authority));
        }
        let headers: Vec<(&[u8], &[u8])> = self
            .parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()))
            .collect();
        table.judge(&postern_endpoint::Incoming {
            method: self.parts.method.as_str().as_bytes(),
            target: self.target.as_bytes(),
            authority: self.authority.as_bytes(),
            headers: headers.iter().copied(),
            has_body: self.has_body,
        })
    }
}

/// The first Host; that there is no second one is judged by the table.
fn host(parts: &request::Parts) -> Option<&[u8]> {
    parts.headers.get("host").map(|value| value.as_bytes())
}

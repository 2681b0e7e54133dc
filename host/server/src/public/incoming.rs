//! The request as its bytes came, for the table of endpoints.

use axum::http::{HeaderMap, Method, Request, Version};
use hyper::body::{Body as _, Incoming};
use postern_endpoint::{Accepted, EndpointTable};
use postern_refusal::Refusal;

/// Method, target, authority and headers.
pub(super) struct Raw {
    pub(super) method: Method,
    /// As in the request line, or `:path`.
    pub(super) target: String,
    authority: String,
    /// Host beside `:authority`.
    host: Option<Vec<u8>>,
    headers: HeaderMap,
    has_body: bool,
}

impl Raw {
    pub(super) fn read(request: &Request<Incoming>) -> Self {
        let uri = request.uri();
        let is_http2 = request.version() == Version::HTTP_2;
        let path = uri.path_and_query().map(|target| target.as_str().to_owned());
        let host = request.headers().get("host").map(|value| value.as_bytes().to_vec());
        // HTTP/2 always has scheme and authority. In HTTP/1.1 they stand in the target of an
        // absolute or authority form, and nowhere else.
        let is_origin_form = is_http2 || (uri.scheme().is_none() && uri.authority().is_none());
        let target = match path {
            Some(path) if is_origin_form && request.method() != Method::CONNECT => path,
            _ => uri.to_string(),
        };
        let authority = match uri.authority() {
            Some(authority) if is_http2 => authority.as_str().to_owned(),
            _ => host.as_deref().map(|host| String::from_utf8_lossy(host).into_owned()).unwrap_or_default(),
        };
        Self {
            method: request.method().clone(),
            target,
            authority,
            host,
            headers: request.headers().clone(),
            has_body: !request.body().is_end_stream(),
        }
    }

    /// # Errors
    /// What the table refuses, and `server.host.conflict`.
    pub(super) fn judge<'t, 'a>(&'a self, table: &'t EndpointTable) -> Result<Accepted<'t, 'a>, Refusal> {
        if self.host.as_deref().is_some_and(|host| host != self.authority.as_bytes()) {
            return Err(Refusal::misbehaved("server.host.conflict").at("Host").expected(&self.authority));
        }
        let headers: Vec<(&[u8], &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes())).collect();
        table.judge(&postern_endpoint::Incoming {
            method: self.method.as_str().as_bytes(),
            target: self.target.as_bytes(),
            authority: self.authority.as_bytes(),
            headers: headers.iter().copied(),
            has_body: self.has_body,
        })
    }
}

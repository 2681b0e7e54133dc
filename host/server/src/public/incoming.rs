//! The request as its bytes came, for the table of endpoints.

use std::sync::Arc;

use axum::http::{Method, Version, request};
use hyper::body::{Body as _, Incoming};
use postern_endpoint::{Accepted, EndpointTable};
use postern_refusal::Refusal;

use crate::listener::{RawRequest, RefusedHead};

/// Method, target, authority and headers.
pub(super) struct Raw<'r> {
    method: &'r [u8],
    /// As in the request line, or `:path`.
    target: Vec<u8>,
    authority: Vec<u8>,
    headers: Vec<(&'r [u8], &'r [u8])>,
    has_body: bool,
    /// What the listener refused already.
    refused: Option<&'r Refusal>,
}

impl<'r> Raw<'r> {
    pub(super) fn read(parts: &'r request::Parts, body: &Incoming) -> Self {
        match parts.extensions.get::<Arc<RefusedHead>>() {
            Some(head) => Self::of_refused(head),
            None => Self::of_parts(parts, !body.is_end_stream()),
        }
    }

    fn of_parts(parts: &'r request::Parts, has_body: bool) -> Self {
        let uri = &parts.uri;
        let is_http2 = parts.version == Version::HTTP_2;
        // HTTP/2 always has scheme and authority. In HTTP/1.1 they stand in the target of an
        // absolute or authority form, and nowhere else.
        let is_origin_form = is_http2 || (uri.scheme().is_none() && uri.authority().is_none());
        let target = match uri.path_and_query() {
            Some(path) if is_origin_form && parts.method != Method::CONNECT => path.as_str().to_owned(),
            _ => uri.to_string(),
        };
        let headers: Vec<_> =
            parts.headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes())).collect();
        let authority = match uri.authority() {
            Some(authority) if is_http2 => authority.as_str().as_bytes().to_vec(),
            _ => host(&headers).unwrap_or_default().to_vec(),
        };
        let method = parts.method.as_str().as_bytes();
        Self { method, target: target.into_bytes(), authority, headers, has_body, refused: None }
    }

    /// What hyper did not get to read.
    fn of_refused(head: &'r RefusedHead) -> Self {
        let refused = Some(&head.refusal);
        let Some(RawRequest { method, target, headers }) = &head.request else {
            let (target, authority) = (Vec::new(), Vec::new());
            return Self { method: b"", target, authority, headers: Vec::new(), has_body: false, refused };
        };
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
        let authority = host(&headers).unwrap_or_default().to_vec();
        let has_body = headers.iter().any(|(name, _)| {
            name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"transfer-encoding")
        });
        Self { method, target: target.clone(), authority, headers, has_body, refused }
    }

    /// The path, as far as it can be read.
    pub(super) fn path(&self) -> &str {
        let path = self.target.split(|byte| *byte == b'?').next().unwrap_or_default();
        std::str::from_utf8(path).unwrap_or_default()
    }

    /// # Errors
    /// What the table refuses, `server.host.conflict` and `server.head.*`. Of two reasons that of
    /// the table is given: it is the one that the proxy gives.
    pub(super) fn judge<'t, 'a>(&'a self, table: &'t EndpointTable) -> Result<Accepted<'t, 'a>, Refusal> {
        if let Some(refused) = self.refused
            && self.target.is_empty()
        {
            return Err(refused.clone());
        }
        if host(&self.headers).is_some_and(|host| host != self.authority) {
            return Err(Refusal::misbehaved("server.host.conflict")
                .at("Host")
                .expected(&String::from_utf8_lossy(&self.authority)));
        }
        let accepted = table.judge(&postern_endpoint::Incoming {
            method: self.method,
            target: &self.target,
            authority: &self.authority,
            headers: self.headers.iter().copied(),
            has_body: self.has_body,
        })?;
        match self.refused {
            Some(refused) => Err(refused.clone()),
            None => Ok(accepted),
        }
    }
}

/// The first Host; that there is no second one is judged by the table.
fn host<'r>(headers: &[(&'r [u8], &'r [u8])]) -> Option<&'r [u8]> {
    headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(b"host")).map(|(_, value)| *value)
}

//! `/.well-known/postern-edge`: the filters' configuration, for the proxy that has shown its
//! certificate. The proxy lets nobody through to it.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use postern_kernel::module::Audience;

use super::{Exchange, headers, visitor};

impl Exchange<'_> {
    pub(super) async fn edge_feed(&self, request: &HeaderMap) -> Response<Body> {
        let feed = self.live.edge_feed.as_ref().filter(|_| self.peer.has_certificate);
        let Some(feed) = feed else {
            return self.error(404, "error.not-found", Audience::Machine);
        };
        let document = match feed.document(&self.live.flow).await {
            Ok(document) => document,
            Err(failure) => {
                tracing::error!(reason = failure.message, "no configuration for the edge");
                return self.error(503, "error.unavailable", Audience::Machine);
            }
        };
        let tag = format!("\"{}\"", document.in_force.digest);
        let is_known = visitor::single(request, "if-none-match") == Some(tag.as_str());
        let mut response = if is_known {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            Response::new(Body::from(document.bytes.clone()))
        };
        let media_type = HeaderValue::from_static(postern_feed::MEDIA_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        if let Ok(tag) = HeaderValue::try_from(tag) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        headers::secure_document(&mut response);
        response
    }
}

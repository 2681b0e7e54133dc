//! The endpoints that modules declare.

use axum::body::Body;
use axum::http::{HeaderMap, Response};
use hyper::body::Incoming;
use postern_endpoint::Accepted;
use postern_kernel::module::{self, Audience};

use super::{Exchange, body, visitor};

impl Exchange<'_> {
    pub(super) async fn module_endpoint(
        &self,
        module: &str,
        audience: Audience,
        accepted: &Accepted<'_, '_>,
        headers: &HeaderMap,
        body: Incoming,
    ) -> Response<Body> {
        let method = match accepted.method {
            postern_endpoint::Method::Get => module::Method::Get,
            postern_endpoint::Method::Post => module::Method::Post,
        };
        let has_body = accepted.body != postern_endpoint::Body::None;
        let content_type = visitor::single(headers, "content-type")
            .filter(|_| has_body)
            .map(|value| value.split(';').next().unwrap_or("").trim().to_ascii_lowercase());
        let authorization = visitor::single(headers, "authorization").map(Into::into);
        let body = match body::read(body, accepted.body).await {
            Ok(body) => body,
            Err(refusal) => return self.refuse(&refusal, audience),
        };
        let request = module::Request {
            method,
            path: accepted.target.path().into(),
            query: accepted.target.query().unwrap_or_default().into(),
            content_type,
            authorization,
            body,
        };
        self.reply(self.live.flow.handle(&self.visitor, module, request).await, audience)
    }
}

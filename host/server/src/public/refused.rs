//! Requests that get no further than the listener: neutral outside, the reason inside.

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use postern_kernel::audit::Event;
use postern_kernel::module::Audience;
use postern_refusal::Refusal;

use super::{Exchange, headers};

impl Exchange<'_> {
    /// The table of endpoints refused it.
    pub(super) fn refused(&self, refusal: &Refusal, path: &str) -> Response<Body> {
        let audience = match self.live.owners.get(path) {
            Some(crate::live::Owner::Module { audience, .. }) => *audience,
            _ => Audience::Browser,
        };
        let mut response = self.refuse(refusal, audience);
        if refusal.status == 405
            && let Ok(allowed) = HeaderValue::from_str(&refusal.expected)
        {
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        response
    }

    /// Writes the refusal down and answers neutrally.
    pub(super) fn refuse(&self, refusal: &Refusal, audience: Audience) -> Response<Body> {
        let address = self.visitor.address.to_string();
        self.live.flow.installation().audit.record(&Event {
            name: "request.refused",
            module: None,
            relying_party: None,
            subject: None,
            correlation: Some(&self.visitor.correlation),
            fields: &[
                ("code", refusal.code),
                ("fault", refusal.fault.as_str()),
                ("element", &refusal.element),
                ("expected", &refusal.expected),
                ("found", &refusal.found),
                ("address", &address),
            ],
        });
        let message = match refusal.status {
            404 | 421 => "error.not-found",
            405 => "error.method",
            413 | 414 => "error.too-large",
            500.. => "error.internal",
            _ => "error.request",
        };
        self.error(refusal.status, message, audience)
    }

    /// A neutral answer: a page for people, JSON for machines.
    pub(super) fn error(&self, status: u16, message: &str, audience: Audience) -> Response<Body> {
        self.error_with_retry(status, message, audience, None)
    }

    pub(super) fn error_with_retry(
        &self,
        status: u16,
        message: &str,
        audience: Audience,
        retry_after: Option<u32>,
    ) -> Response<Body> {
        let mut response = match audience {
            Audience::Browser => {
                let correlation = &self.visitor.correlation;
                let pages = &self.live.pages;
                self.html(pages.error(&self.visitor.language, correlation, status, message, retry_after))
            }
            Audience::Machine => self.json_error(status),
        };
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    fn json_error(&self, status: u16) -> Response<Body> {
        let error = match status {
            503 => "temporarily_unavailable",
            500.. => "server_error",
            _ => "invalid_request",
        };
        let json = serde_json::json!({ "error": error, "correlation_id": self.visitor.correlation });
        let mut response = Response::new(Body::from(json.to_string()));
        headers::set_status(&mut response, status);
        let content_type = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        headers::secure_document(&mut response);
        response
    }
}

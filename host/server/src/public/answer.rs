//! From the kernel's replies to HTTP.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use postern_kernel::flow::{Action, Page, Reply};
use postern_kernel::module::{Audience, DOCUMENT_HEADERS, Document};

use super::cookies::{self, BROWSER, DEVICE, REMEMBERED, SESSION};
use super::{Exchange, headers};
use crate::pages::{Rendered, Script};

impl Exchange<'_> {
    pub(super) fn reply(&self, reply: Reply, audience: Audience) -> Response<Body> {
        let (language, correlation) = (&self.visitor.language, &self.visitor.correlation);
        let pages = &self.live.pages;
        let mut response = match &reply.action {
            Action::Document(document) => self.document(document, audience),
            Action::Redirect(location) => self.redirect(location, audience),
            Action::FormPost(post) => self.html(pages.form_post(language, post)),
            Action::Page(Page::Refused { status, message, retry_after, audience }) => {
                self.error_with_retry(*status, message, *audience, *retry_after)
            }
            Action::Page(page) => self.html(pages.page(language, correlation, page)),
        };
        let changes = [
            (SESSION, &reply.session),
            (BROWSER, &reply.browser),
            (DEVICE, &reply.device),
            (REMEMBERED, &reply.remembered),
        ];
        for (name, change) in changes {
            if let Some(Ok(cookie)) = cookies::format(name, change).map(HeaderValue::try_from) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
        }
        response
    }

    pub(super) fn html(&self, page: Rendered) -> Response<Body> {
        let mut response = Response::new(Body::from(page.html));
        headers::set_status(&mut response, page.status);
        let content_type = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        let source = match page.script {
            Script::None => None,
            Script::Inline => Some(format!("'sha256-{}'", self.live.pages.script_hash())),
            // This one file, not all that the origin serves.
            Script::Passkey => {
                let base_url = &self.live.flow.installation().base_url;
                Some(format!("{base_url}{}", self.live.pages.assets().passkey()))
            }
        };
        headers::secure_page(&mut response, source.as_deref());
        response
    }

    fn redirect(&self, location: &str, audience: Audience) -> Response<Body> {
        let Ok(location) = HeaderValue::try_from(location) else {
            return self.broken("the Location of a redirect", audience);
        };
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SEE_OTHER;
        response.headers_mut().insert(header::LOCATION, location);
        headers::secure_document(&mut response);
        response
    }

    fn document(&self, document: &Document, audience: Audience) -> Response<Body> {
        if is_active(&document.content_type) {
            return self.broken("the content type of a document", audience);
        }
        let Ok(content_type) = HeaderValue::try_from(&document.content_type) else {
            return self.broken("the content type of a document", audience);
        };
        let mut response = Response::new(Body::from(document.body.clone()));
        headers::set_status(&mut response, document.status);
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        for (name, value) in &document.headers {
            let name = name.to_ascii_lowercase();
            let (Ok(key), Ok(value)) = (HeaderName::try_from(&name), HeaderValue::try_from(value)) else {
                return self.broken("a header of a document", audience);
            };
            if !DOCUMENT_HEADERS.contains(&name.as_str()) {
                return self.broken("a header of a document", audience);
            }
            response.headers_mut().insert(key, value);
        }
        headers::secure_document(&mut response);
        response
    }

    /// A module returned what it may not.
    fn broken(&self, what: &str, audience: Audience) -> Response<Body> {
        tracing::error!(correlation = %self.visitor.correlation, what, "module returned what it may not");
        self.error(500, "error.internal", audience)
    }
}

/// Whether a browser would run what is in it.
fn is_active(content_type: &str) -> bool {
    let content_type = content_type.to_ascii_lowercase();
    ["html", "javascript", "ecmascript", "svg", "jscript", "multipart/"]
        .iter()
        .any(|active| content_type.contains(active))
}

//! `/authenticationendpoint/assets/`: style sheet and pictures.

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use postern_kernel::module::Audience;

use super::{Exchange, headers};

impl Exchange<'_> {
    pub(super) fn asset(&self, path: &str) -> Response<Body> {
        let Some(asset) = self.live.pages.assets().get(path) else {
            return self.error(404, "error.not-found", Audience::Browser);
        };
        let mut response = Response::new(Body::from(asset.bytes.clone()));
        let content_type = HeaderValue::from_static(asset.content_type);
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        headers::secure_asset(&mut response, asset.is_immutable);
        response
    }
}

//! `/authenticationendpoint/sessions`: where the person is signed in.

use axum::body::Body;
use axum::http::Response;
use postern_kernel::flow::OwnPage;
use postern_kernel::module::Audience;

use super::Exchange;

impl Exchange<'_> {
    pub(super) async fn sessions(&self) -> Response<Body> {
        self.reply(self.live.flow.own_page(&self.visitor, OwnPage::Sessions).await, Audience::Browser)
    }
}

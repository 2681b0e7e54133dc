//! `/authenticationendpoint/factors`: the person's own factors.

use axum::body::Body;
use axum::http::Response;
use postern_kernel::flow::OwnPage;
use postern_kernel::module::Audience;

use super::Exchange;

impl Exchange<'_> {
    pub(super) async fn factors(&self) -> Response<Body> {
        self.reply(self.live.flow.own_page(&self.visitor, OwnPage::Factors).await, Audience::Browser)
    }
}

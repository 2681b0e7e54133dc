//! `/authenticationendpoint/login`: the page that a login transaction waits for.

use axum::body::Body;
use axum::http::Response;
use postern_kernel::module::Audience;

use super::{Exchange, common_auth};

impl Exchange<'_> {
    pub(super) async fn login(&self, query: &str) -> Response<Body> {
        match common_auth::transaction(query) {
            Ok(id) => self.reply(self.live.flow.show(&self.visitor, &id).await, Audience::Browser),
            Err(refusal) => self.refuse(&refusal, Audience::Browser),
        }
    }
}

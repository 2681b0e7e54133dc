//! Where an endpoint for browsers finds its parameters.

use crate::bindings::types::{Method, Request};
use postern_form::Form;
use postern_oidc::browser_parameters;
use postern_refusal::Refusal;

pub(super) fn read(request: &Request) -> Result<Form<'_>, Refusal> {
    let post = matches!(request.method, Method::Post);
    browser_parameters(post, request.query.as_bytes(), &request.body)
}

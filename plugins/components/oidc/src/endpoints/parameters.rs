//! Where an endpoint for browsers finds its parameters.

use crate::bindings::types::{Method, Request};
use postern_form::Form;
use postern_refusal::Refusal;

/// The query of a GET, the body of a POST (OpenID Connect Core section 3.1.2.1), never both.
pub(super) fn read(request: &Request) -> Result<Form<'_>, Refusal> {
    match request.method {
        Method::Get => Form::parse(request.query.as_bytes()),
        Method::Post if request.query.is_empty() => Form::parse(&request.body),
        Method::Post => Err(Refusal::misbehaved("oidc.query.unexpected")
            .at("query")
            .expected("all parameters in the body of a POST")),
    }
}

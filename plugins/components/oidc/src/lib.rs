//! Component: OAuth 2.0 and OpenID Connect.
//!
//! One endpoint is one file under `endpoints`. The rules are in `postern-oauth`, `postern-oidc`
//! and `postern-jose`; here they meet the kernel.
#![cfg(target_family = "wasm")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod bindings;
mod client;
mod describe;
mod endpoints;
mod issue;
mod keys;
mod reply;
mod settings;

use bindings::exports::postern::idp::protocol::{
    Description, Guest, Outcome, Refusal, Registration, Request, Response, SignOn,
};
use postern_oidc::ENDPOINTS;

/// An instance lives for one request.
#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

struct Oidc;

impl Guest for Oidc {
    fn describe() -> Description {
        describe::describe()
    }

    fn handle(request: Request) -> Outcome {
        match request.path.as_str() {
            path if path == ENDPOINTS.authorization => endpoints::authorize::handle(&request),
            path if path == ENDPOINTS.end_session => endpoints::logout::handle(&request),
            path if path == ENDPOINTS.token => Outcome::Respond(endpoints::token::handle(&request)),
            path if path == ENDPOINTS.userinfo => Outcome::Respond(endpoints::userinfo::handle(&request)),
            path if path == ENDPOINTS.introspection => {
                Outcome::Respond(endpoints::introspect::handle(&request))
            }
            path if path == ENDPOINTS.revocation => Outcome::Respond(endpoints::revoke::handle(&request)),
            path if path == ENDPOINTS.jwks => Outcome::Respond(endpoints::jwks::handle()),
            path if path == ENDPOINTS.openid_configuration || path == ENDPOINTS.authorization_server => {
                Outcome::Respond(endpoints::discovery::handle())
            }
            other => Outcome::Respond(reply::refused(
                &postern_refusal::Refusal::internal("oidc.endpoint.undeclared").found(other),
            )),
        }
    }

    fn resume(state: Vec<u8>, result: SignOn) -> Response {
        endpoints::authorize::resume(&state, result)
    }

    fn logged_out(state: Vec<u8>, ended: bool) -> Response {
        endpoints::logout::logged_out(&state, ended)
    }

    fn register(source: Vec<u8>) -> Result<Registration, Refusal> {
        endpoints::register::register(&source).map_err(|refusal| reply::refusal(&refusal))
    }
}

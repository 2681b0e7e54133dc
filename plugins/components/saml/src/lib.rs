//! Component: SAML 2.0, a thin face over `postern-saml`.
//!
//! One endpoint, one file: [`samlsso`] judges requests and turns them into demands, [`sign_on`]
//! answers them, [`metadata`] publishes ours, [`register`] reads a relying party's.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports that wit-bindgen generates")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

#[allow(missing_docs, unreachable_pub, reason = "generated; documented in wit/protocol.wit")]
mod bindings {
    wit_bindgen::generate!({
        world: "protocol-module",
        path: "../../../wit",
    });
}

mod describe;
mod face;
mod metadata;
mod register;
mod samlsso;
mod sign_on;
mod state;

use bindings::exports::postern::idp::protocol::{Description, Guest, Outcome, Registration, SignOn};
use bindings::postern::idp::types::{Refusal as WitRefusal, Request, Response};
use face::{refused, wit_refusal};
use postern_refusal::Refusal;

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

struct Saml;

impl Guest for Saml {
    fn describe() -> Description {
        describe::describe()
    }

    fn handle(request: Request) -> Outcome {
        let outcome = match request.path.as_str() {
            describe::SAMLSSO => samlsso::handle(&request),
            describe::METADATA => metadata::handle().map(Outcome::Respond),
            other => Err(Refusal::internal("saml.endpoint.unknown").with_status(404).found(other)),
        };
        outcome.unwrap_or_else(|refusal| Outcome::Respond(refused(&refusal)))
    }

    fn resume(state: Vec<u8>, result: SignOn) -> Response {
        sign_on::resume(&state, result).unwrap_or_else(|refusal| refused(&refusal))
    }

    fn logged_out(_state: Vec<u8>, _ended: bool) -> Response {
        // No endpoint of this module asks to end a session.
        refused(&Refusal::internal("saml.logout.unexpected"))
    }

    fn register(source: Vec<u8>) -> Result<Registration, WitRefusal> {
        register::register(&source).map_err(|refusal| wit_refusal(&refusal))
    }
}

bindings::export!(Saml with_types_in bindings);

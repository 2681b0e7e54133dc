//! Authenticator: a one-time code by e-mail.
//!
//! Confirms a person who is known already, and has nothing to be set up: who has an address in the directory
//! has it. The kernel sends the mail and knows the address; this component sees it masked. A code is good for
//! the login transaction that it was sent for: its hash is the state of the challenge, which the kernel keeps
//! and writes by compare-and-set, so that neither a code nor a try counts twice.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports that wit-bindgen generates")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod sign_in;
mod state;
mod texts;

#[allow(missing_docs, unreachable_pub, reason = "generated; documented in wit/authenticator.wit")]
mod bindings {
    wit_bindgen::generate!({
        world: "authenticator-module",
        path: "../../../wit",
    });
}

use bindings::exports::postern::idp::authenticator::{
    Context, Description, Event, Factor, Guest, Purpose, Step,
};

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

/// RFC 8176 section 2: a one-time password.
const METHOD: &str = "otp";
/// Of its own, and below that of `totp`: REFEDS MFA Profile asks for a factor of another kind.
const CONTEXT: &str = "urn:postern:authentication:email-code";

struct EmailCode;

impl Guest for EmailCode {
    fn describe() -> Description {
        Description {
            name: "email-code".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: texts::text("email-code.title"),
            // NIST SP 800-63B section 5.1.3.1: e-mail proves the possession of no device. Mail is read by who
            // knows a password, so that a password and this are no two factors, and `mfa` is not claimed.
            factors: vec![Factor::Knowledge],
            methods: vec![METHOD.into()],
            contexts: vec![CONTEXT.into()],
            identifies: false,
            enrols: false,
            settings_schema: r#"{"type":"object","additionalProperties":false}"#.into(),
            translations: texts::translations(),
        }
    }

    fn begin(context: Context) -> Step {
        match (&context.person, context.purpose) {
            (Some(person), Purpose::SignIn) => sign_in::begin(person),
            (Some(_), Purpose::Enrol) => Step::Unavailable("there is nothing to be set up".into()),
            (None, _) => nobody(),
        }
    }

    fn proceed(context: Context, state: Vec<u8>, event: Event) -> Step {
        let Some(person) = &context.person else { return nobody() };
        let form = match event {
            Event::Form(form) => form,
            Event::Returned(_) | Event::Poll => Vec::new(),
        };
        match context.purpose {
            Purpose::SignIn => sign_in::proceed(person, &state, &form),
            Purpose::Enrol => Step::Unavailable("there is nothing to be set up".into()),
        }
    }
}

/// It stands in the first step, where nobody is known yet.
fn nobody() -> Step {
    Step::Unavailable("email-code confirms somebody who is known: it is no first step".into())
}

bindings::export!(EmailCode with_types_in bindings);

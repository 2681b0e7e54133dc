//! Authenticator: recovery codes, which a person keeps on paper for the day that the phone is lost.
//!
//! Confirms a person who is known already. One record has the hashes of the codes that are left; it is
//! written before anybody is let in, and by one caller only: a code is good once, whichever node it comes
//! to. New codes take the place of the old ones. How often somebody may try is counted by the kernel.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports that wit-bindgen generates")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod enrol;
mod sign_in;
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

/// RFC 8176 section 2: a one-time password. It has no value of its own for codes on paper.
const METHOD: &str = "otp";
/// REFEDS MFA Profile: something that the person has, after a factor of another kind.
const CONTEXT: &str = "https://refeds.org/profile/mfa";

struct Recovery;

impl Guest for Recovery {
    fn describe() -> Description {
        Description {
            name: "recovery".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: texts::text("recovery.title"),
            factors: vec![Factor::Possession],
            methods: vec![METHOD.into()],
            contexts: vec![CONTEXT.into()],
            identifies: false,
            enrols: true,
            settings_schema: r#"{"type":"object","additionalProperties":false}"#.into(),
            translations: texts::translations(),
        }
    }

    fn begin(context: Context) -> Step {
        let Some(person) = &context.person else { return nobody() };
        match context.purpose {
            Purpose::SignIn => sign_in::begin(person),
            Purpose::Enrol => enrol::begin(),
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
            Purpose::Enrol => enrol::proceed(person, &state),
        }
    }
}

/// It stands in the first step, where nobody is known yet.
fn nobody() -> Step {
    Step::Unavailable("recovery confirms somebody who is known: it is no first step".into())
}

/// A record that this component did not write.
fn foreign() -> Step {
    Step::Unavailable("a record is not one of this component's".into())
}

bindings::export!(Recovery with_types_in bindings);

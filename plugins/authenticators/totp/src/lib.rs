//! Authenticator: one-time codes from an app (TOTP, RFC 6238).
//!
//! Confirms a person who is known already. Each phone is one credential record: the shared secret and the
//! step of the last code, which is written before anybody is let in, and by one caller only: a code is good
//! once, whichever node it comes to. How often somebody may try is counted by the kernel.
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
mod form;
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
    Context, Description, Event, Factor, FormField, Guest, Purpose, Step,
};

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

/// RFC 8176.
const METHOD: &str = "otp";
/// REFEDS MFA Profile: a second factor after one of another kind.
const CONTEXT: &str = "https://refeds.org/profile/mfa";

struct Totp;

impl Guest for Totp {
    fn describe() -> Description {
        Description {
            name: "totp".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: texts::text("totp.title"),
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
            Purpose::Enrol => enrol::begin(&context.base_url, person),
        }
    }

    fn proceed(context: Context, state: Vec<u8>, event: Event) -> Step {
        let Some(person) = &context.person else { return nobody() };
        let form = match event {
            Event::Form(form) => form,
            Event::Returned(_) | Event::Poll => Vec::new(),
        };
        match context.purpose {
            Purpose::SignIn => sign_in::proceed(person, &form),
            Purpose::Enrol => enrol::proceed(&context.base_url, person, &state, &form),
        }
    }
}

/// It stands in the first step, where nobody is known yet.
fn nobody() -> Step {
    Step::Unavailable("totp confirms somebody who is known: it is no first step".into())
}

/// The field's value when it came exactly once.
fn only<'a>(form: &'a [FormField], name: &str) -> Option<&'a str> {
    let mut values = form.iter().filter(|field| field.name == name);
    let value = values.next()?;
    values.next().is_none().then_some(value.value.as_str())
}

bindings::export!(Totp with_types_in bindings);

//! Authenticator: passkeys (Web Authentication Level 2).
//!
//! In the first step it finds out who somebody is, by a passkey that knew its user; in a later one it
//! confirms who is known. The rules are those of `postern-webauthn`; signatures are verified by the kernel.
//! Each passkey is one credential record, found by its credential id.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports that wit-bindgen generates")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod begun;
mod enrol;
mod form;
mod settings;
mod sign_in;
mod texts;
mod verifier;

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
use bindings::postern::idp::system;
use settings::Settings;

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

/// RFC 8176: a key in hardware, for which a certificate that the operator trusts vouches.
const HARDWARE_KEY: &str = "hwk";
/// RFC 8176: any other key. Nobody knows where it is kept.
const SOFTWARE_KEY: &str = "swk";
/// RFC 8176: the user was there.
const PRESENCE: &str = "user";
/// RFC 8176: the authenticator knew its user besides, by a PIN or by what they are.
const SEVERAL_FACTORS: &str = "mfa";
/// REFEDS MFA Profile: after a password, or by itself when the authenticator knew its user.
const CONTEXT: &str = "https://refeds.org/profile/mfa";

struct Passkey;

impl Guest for Passkey {
    fn describe() -> Description {
        Description {
            name: "passkey".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: texts::text("passkey.title"),
            factors: vec![Factor::Possession],
            methods: [HARDWARE_KEY, SOFTWARE_KEY, PRESENCE, SEVERAL_FACTORS].map(Into::into).into(),
            contexts: vec![CONTEXT.into()],
            identifies: true,
            enrols: true,
            settings_schema: settings::SCHEMA.into(),
            translations: texts::translations(),
        }
    }

    fn begin(context: Context) -> Step {
        let Some(settings) = Settings::read(&context.settings) else { return settings::wrong() };
        match (context.purpose, &context.person) {
            (Purpose::SignIn, _) => sign_in::begin(&context, &settings),
            (Purpose::Enrol, Some(person)) => enrol::begin(&context, person, &settings),
            (Purpose::Enrol, None) => nobody(),
        }
    }

    fn proceed(context: Context, state: Vec<u8>, event: Event) -> Step {
        let Some(settings) = Settings::read(&context.settings) else { return settings::wrong() };
        let form = match event {
            Event::Form(form) => form,
            Event::Returned(_) | Event::Poll => Vec::new(),
        };
        match (context.purpose, &context.person) {
            (Purpose::SignIn, _) => sign_in::proceed(&context, &state, &form, &settings),
            (Purpose::Enrol, Some(person)) => enrol::proceed(&context, person, &state, &form, &settings),
            (Purpose::Enrol, None) => nobody(),
        }
    }
}

fn nobody() -> Step {
    Step::Unavailable("nobody is known who could enrol".into())
}

/// Why an answer was refused, for the operator.
fn log(refusal: &postern_refusal::Refusal) {
    system::log(system::Level::Info, &refusal.to_string());
}

bindings::export!(Passkey with_types_in bindings);

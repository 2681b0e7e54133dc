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

use postern_authenticator::*;
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

impl Authenticator for Passkey {
    fn describe() -> Description {
        let version = env!("CARGO_PKG_VERSION");
        let passkey = further_factor("passkey", version, Factor::Possession, "", CONTEXT, &[]);
        Description {
            methods: [HARDWARE_KEY, SOFTWARE_KEY, PRESENCE, SEVERAL_FACTORS].map(Into::into).into(),
            identifies: true,
            enrols: true,
            settings_schema: settings::SCHEMA.into(),
            translations: in_two_languages("en", "de", texts::TEXTS),
            ..passkey
        }
    }

    fn sign_in(call: &Call) -> Step {
        let Some(settings) = Settings::read(&call.context.settings) else { return settings::wrong() };
        match &call.form {
            None => sign_in::begin(&call.context, &settings),
            Some(sent) => sign_in::proceed(&call.context, &call.state, sent, &settings),
        }
    }

    fn enrol(call: &Call) -> Step {
        let Some(settings) = Settings::read(&call.context.settings) else { return settings::wrong() };
        match (call.person(), &call.form) {
            (None, _) => unavailable("nobody is known who could enrol"),
            (Some(person), None) => enrol::begin(&call.context, person, &settings),
            (Some(person), Some(sent)) => enrol::proceed(&call.context, person, &call.state, sent, &settings),
        }
    }
}

/// Why an answer was refused, for the operator.
fn log(refusal: &postern_refusal::Refusal) {
    system::log(system::Level::Info, &refusal.to_string());
}

postern_authenticator::export!(Passkey);

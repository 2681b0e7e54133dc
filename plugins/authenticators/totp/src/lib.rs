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

use postern_authenticator::*;

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

/// RFC 8176.
const METHOD: &str = "otp";
/// REFEDS MFA Profile: a second factor after one of another kind.
const CONTEXT: &str = "https://refeds.org/profile/mfa";

struct Totp;

impl Authenticator for Totp {
    fn describe() -> Description {
        let version = env!("CARGO_PKG_VERSION");
        let totp = further_factor("totp", version, Factor::Possession, METHOD, CONTEXT, &[]);
        let translations = in_two_languages("en", "de", texts::TEXTS);
        Description { enrols: true, translations, ..totp }
    }

    fn sign_in(call: &Call) -> Step {
        let Some(person) = call.person() else { return nobody() };
        call.form.as_ref().map_or_else(|| sign_in::begin(person), |sent| sign_in::proceed(person, sent))
    }

    fn enrol(call: &Call) -> Step {
        let Some(person) = call.person() else { return nobody() };
        let base_url = &call.context.base_url;
        match &call.form {
            None => enrol::begin(base_url, person),
            Some(sent) => enrol::proceed(base_url, person, &call.state, sent),
        }
    }
}

postern_authenticator::export!(Totp);

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

use postern_authenticator::*;

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

/// RFC 8176 section 2: a one-time password. It has no value of its own for codes on paper.
const METHOD: &str = "otp";
/// REFEDS MFA Profile: something that the person has, after a factor of another kind.
const CONTEXT: &str = "https://refeds.org/profile/mfa";

struct Recovery;

impl Authenticator for Recovery {
    fn describe() -> Description {
        let version = env!("CARGO_PKG_VERSION");
        let recovery = further_factor("recovery", version, Factor::Possession, METHOD, CONTEXT, &[]);
        let translations = in_two_languages("en", "de", texts::TEXTS);
        Description { enrols: true, translations, ..recovery }
    }

    fn sign_in(call: &Call) -> Step {
        let Some(person) = call.person() else { return nobody() };
        match &call.form {
            None => sign_in::begin(person),
            Some(sent) => sign_in::proceed(person, &call.state, sent),
        }
    }

    fn enrol(call: &Call) -> Step {
        let Some(person) = call.person() else { return nobody() };
        if call.form.is_none() { enrol::begin() } else { enrol::proceed(person, &call.state) }
    }
}

/// A record that this component did not write.
fn foreign() -> Step {
    unavailable("a record is not one of this component's")
}

postern_authenticator::export!(Recovery);

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

use postern_authenticator::*;

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

/// RFC 8176 section 2: a one-time password.
const METHOD: &str = "otp";
/// Of its own, and below that of `totp`: REFEDS MFA Profile asks for a factor of another kind.
const CONTEXT: &str = "urn:postern:authentication:email-code";

struct EmailCode;

impl Authenticator for EmailCode {
    fn describe() -> Description {
        let version = env!("CARGO_PKG_VERSION");
        // NIST SP 800-63B section 5.1.3.1: e-mail proves the possession of no device. Mail is read by who
        // knows a password, so that a password and this are no two factors, and `mfa` is not claimed.
        let code = further_factor("email-code", version, Factor::Knowledge, METHOD, CONTEXT, &[]);
        Description { translations: in_two_languages("en", "de", texts::TEXTS), ..code }
    }

    fn sign_in(call: &Call) -> Step {
        let Some(person) = call.person() else { return nobody() };
        match &call.form {
            None => sign_in::begin(person),
            Some(form) => sign_in::proceed(person, &call.state, form),
        }
    }
}

postern_authenticator::export!(EmailCode);

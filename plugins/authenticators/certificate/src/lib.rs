//! Authenticator: client certificates (X.509), as the proxy passes them on.
//!
//! That the browser has the certificate's key was proven in TLS, to the proxy. Here it is judged whose word
//! stands for the certificate, and found out whose it is: somebody has set it up before, on their own page. In
//! the first step it finds out who somebody is, in a later one it confirms who is known. The rules are those of
//! `postern-x509`; signatures are verified by the kernel.
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
mod settings;
mod shown;
mod sign_in;
mod texts;
mod verifier;

use postern_authenticator::*;
use settings::{Kept, Settings};

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

/// SAML authentication contexts, section 3.4.18: a client certificate over TLS.
const CONTEXT: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:TLSClient";

struct ClientCertificates;

impl Authenticator for ClientCertificates {
    fn describe() -> Description {
        let version = env!("CARGO_PKG_VERSION");
        let certificate = further_factor("certificate", version, Factor::Possession, "", CONTEXT, &[]);
        Description {
            methods: Kept::ALL.map(|kept| kept.method().into()).into(),
            identifies: true,
            enrols: true,
            settings_schema: settings::SCHEMA.into(),
            translations: in_two_languages("en", "de", texts::TEXTS),
            ..certificate
        }
    }

    fn sign_in(call: &Call) -> Step {
        let settings = match Settings::read(&call.context.settings) {
            Ok(settings) => settings,
            Err(problem) => return Step::Unavailable(problem),
        };
        if call.form.is_none() {
            return sign_in::begin(&call.context, &settings);
        }
        sign_in::proceed(&call.context, &call.state, &settings)
    }

    fn enrol(call: &Call) -> Step {
        let settings = match Settings::read(&call.context.settings) {
            Ok(settings) => settings,
            Err(problem) => return Step::Unavailable(problem),
        };
        match (call.person(), &call.form) {
            (None, _) => unavailable("nobody is known who could enrol"),
            (Some(_), None) => enrol::begin(&call.context, &settings),
            (Some(person), Some(sent)) => enrol::proceed(&call.context, person, &call.state, sent, &settings),
        }
    }
}

postern_authenticator::export!(ClientCertificates);

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
use settings::{Kept, Settings};

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

/// SAML authentication contexts, section 3.4.18: a client certificate over TLS.
const CONTEXT: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:TLSClient";

struct ClientCertificates;

impl Guest for ClientCertificates {
    fn describe() -> Description {
        Description {
            name: "certificate".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: texts::text("certificate.title"),
            factors: vec![Factor::Possession],
            methods: Kept::ALL.map(|kept| kept.method().into()).into(),
            contexts: vec![CONTEXT.into()],
            identifies: true,
            enrols: true,
            settings_schema: settings::SCHEMA.into(),
            translations: texts::translations(),
        }
    }

    fn begin(context: Context) -> Step {
        let settings = match Settings::read(&context.settings) {
            Ok(settings) => settings,
            Err(problem) => return Step::Unavailable(problem),
        };
        match (context.purpose, &context.person) {
            (Purpose::SignIn, _) => sign_in::begin(&context, &settings),
            (Purpose::Enrol, Some(_)) => enrol::begin(&context, &settings),
            (Purpose::Enrol, None) => nobody(),
        }
    }

    fn proceed(context: Context, state: Vec<u8>, event: Event) -> Step {
        let settings = match Settings::read(&context.settings) {
            Ok(settings) => settings,
            Err(problem) => return Step::Unavailable(problem),
        };
        let form = match event {
            Event::Form(form) => form,
            Event::Returned(_) | Event::Poll => Vec::new(),
        };
        match (context.purpose, &context.person) {
            (Purpose::SignIn, _) => sign_in::proceed(&context, &state, &settings),
            (Purpose::Enrol, Some(person)) => enrol::proceed(&context, person, &state, &form, &settings),
            (Purpose::Enrol, None) => nobody(),
        }
    }
}

fn nobody() -> Step {
    Step::Unavailable("nobody is known who could enrol".into())
}

bindings::export!(ClientCertificates with_types_in bindings);

//! Authenticator: sign-in at an outside SAML 2.0 identity provider (SAML profiles section 4.1).
//!
//! The person is sent there with an AuthnRequest by HTTP-Redirect or HTTP-POST, signed by the kernel, and comes back
//! with a Response by HTTP-POST. The rules are those of `postern-saml`, which the DMZ's decoder has too;
//! signatures are verified and Assertions decrypted by the kernel. What is claimed of the person goes to the
//! kernel as a claim set, which it links to an account.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports that wit-bindgen generates")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod answer;
mod asked;
mod claims;
mod kernel;
mod request;
mod settings;
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
use bindings::postern::idp::system;
use settings::Settings;

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

/// RFC 8176: several factors, by the word of the provider and of the operator who trusts it in that.
const SEVERAL_FACTORS: &str = "mfa";
/// Nothing is known of how the person signed in there.
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";
/// A password, over TLS.
const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
/// REFEDS MFA Profile.
const MFA: &str = "https://refeds.org/profile/mfa";

/// Most bytes of a reason.
const REASON: usize = 256;

struct SamlProvider;

impl Guest for SamlProvider {
    fn describe() -> Description {
        Description {
            name: "saml-provider".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: texts::text("saml-provider.title"),
            factors: vec![Factor::Knowledge],
            methods: vec![SEVERAL_FACTORS.into()],
            contexts: [UNSPECIFIED, PASSWORD, MFA].map(Into::into).into(),
            identifies: true,
            enrols: false,
            settings_schema: settings::SCHEMA.into(),
            translations: texts::translations(),
        }
    }

    fn begin(context: Context) -> Step {
        if matches!(context.purpose, Purpose::Enrol) {
            return Step::Unavailable("nobody sets it up".into());
        }
        match Settings::read(&context.settings, system::now()) {
            Ok(settings) => request::send(&context, &settings),
            Err(reason) => unavailable(&reason),
        }
    }

    fn proceed(context: Context, state: Vec<u8>, event: Event) -> Step {
        // A form or a poll is nothing that an identity provider sends: the person is sent there again.
        let Event::Returned(form) = event else { return Self::begin(context) };
        match Settings::read(&context.settings, system::now()) {
            Ok(settings) => answer::judge(&context, &settings, &state, &form),
            Err(reason) => unavailable(&reason),
        }
    }
}

/// The whole refusal for the operational log; its code is the reason that the host takes.
fn refused(refusal: &postern_refusal::Refusal) -> Step {
    system::log(system::Level::Warn, &refusal.to_string());
    unavailable(&format!("{} ({})", refusal.code, refusal.fault))
}

/// With a reason that the host takes: what an attribute is called, and what stands in metadata, is not ours.
fn unavailable(reason: &str) -> Step {
    let plain = reason.chars().filter(|character| !character.is_control());
    let taken = plain.scan(0_usize, |length, character| {
        *length = length.saturating_add(character.len_utf8());
        (*length <= REASON).then_some(character)
    });
    Step::Unavailable(taken.collect())
}

bindings::export!(SamlProvider with_types_in bindings);

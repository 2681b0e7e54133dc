//! Authenticator: sign-in with an outside OpenID Provider (OpenID Connect Core 1.0, code flow with PKCE).
//!
//! The rules are those of `postern_oidc::relying_party`; the host sends the person there and back, makes the
//! calls to the provider with a secret that stays outside of here, and verifies signatures. What a provider gets
//! wrong makes this way unavailable, so that another one is offered; only a person who refuses is denied.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports that wit-bindgen generates")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod begin;
mod calls;
mod problem;
mod returned;
mod settings;
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
use problem::Problem;
use settings::Settings;

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

/// What a provider vouches for, as it says nothing that is known here.
const CONTEXT: &str = "urn:postern:authentication:openid-provider";
/// REFEDS MFA Profile: for the provider's contexts that the operator names (`mfa_contexts`).
const MFA_CONTEXT: &str = "https://refeds.org/profile/mfa";
/// RFC 8176: the methods of the ID token that are passed on. Others say nothing here.
const METHODS: [&str; 8] = ["pwd", "pin", "otp", "sms", "hwk", "swk", "fpt", MFA];
/// RFC 8176: several factors. Claimed for the contexts of `mfa_contexts` alone.
const MFA: &str = "mfa";

struct OpenIdProvider;

impl Guest for OpenIdProvider {
    fn describe() -> Description {
        Description {
            name: "openid-provider".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: texts::text("openid-provider.title"),
            factors: vec![Factor::Knowledge],
            methods: METHODS.map(Into::into).into(),
            contexts: vec![CONTEXT.into(), MFA_CONTEXT.into()],
            identifies: true,
            enrols: false,
            settings_schema: settings::SCHEMA.into(),
            translations: texts::translations(),
        }
    }

    fn begin(context: Context) -> Step {
        answer(&context, |settings| begin::begin(&context, settings))
    }

    fn proceed(context: Context, state: Vec<u8>, event: Event) -> Step {
        answer(&context, |settings| match &event {
            Event::Returned(query) => returned::returned(&context, settings, &state, query),
            // Back without an answer: sent again.
            Event::Form(_) | Event::Poll => begin::begin(&context, settings),
        })
    }
}

fn answer(context: &Context, step: impl FnOnce(&Settings) -> Result<Step, Problem>) -> Step {
    if context.purpose == Purpose::Enrol {
        return Step::Unavailable("nobody sets it up: accounts are linked by signing in".into());
    }
    let Some(settings) = Settings::read(&context.settings) else {
        return Step::Unavailable("its settings are not those of the schema".into());
    };
    step(&settings).unwrap_or_else(Problem::into_step)
}

bindings::export!(OpenIdProvider with_types_in bindings);

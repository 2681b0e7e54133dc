//! Authenticator: Kerberos tickets that browsers show (RFC 4559).
//!
//! The person is sent to the host's own page, which asks the browser for a ticket, and comes back with what it
//! showed. The token is read here, by the rules of `postern-spnego`; the ticket in it is judged by the kernel, which
//! has the keytab. Whose it is goes to the kernel as a claim set, which it links to an account. Who comes without
//! a ticket, or with one that is refused, takes the next way.
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
    Context, Description, Event, Factor, Guest, Purpose, Redirection, Step,
};
use bindings::postern::idp::{demands, system};
use settings::Settings;

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

/// RFC 8176: Windows integrated authentication, which is this; Kerberos has no value of its own.
const METHOD: &str = "wia";
/// SAML authentication contexts, section 3.4.2.
const CONTEXT: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos";

struct Kerberos;

impl Guest for Kerberos {
    fn describe() -> Description {
        Description {
            name: "kerberos".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: texts::text("kerberos.title"),
            // What the person has shown to the KDC, as far as anybody here can know.
            factors: vec![Factor::Knowledge],
            methods: vec![METHOD.into()],
            contexts: vec![CONTEXT.into()],
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
        let settings = match Settings::read(&context.settings) {
            Ok(settings) => settings,
            Err(problem) => return Step::Unavailable(problem),
        };
        if context.redirect_state.is_empty() || context.redirect_uri.is_empty() {
            return Step::Unavailable(
                "`redirects = []` is missing: it sends people to /commonauth/negotiate".into(),
            );
        }
        if !settings.stands_for_fresh && is_presence_asked() {
            system::log(system::Level::Info, "kerberos.demand.fresh: a ticket shows nobody's presence");
            return Step::NotEnrolled;
        }
        let url = format!("{}/commonauth/negotiate?state={}", context.base_url, context.redirect_state);
        Step::Redirect(Redirection { url, state: Vec::new() })
    }

    fn proceed(context: Context, _state: Vec<u8>, event: Event) -> Step {
        // A form or a poll is nothing that the page sends: the person is sent there again.
        let Event::Returned(form) = event else { return Self::begin(context) };
        match Settings::read(&context.settings) {
            Ok(settings) => answer::judge(&settings, &form),
            Err(problem) => Step::Unavailable(problem),
        }
    }
}

/// Whether somebody has to prove anew who they are, or to have done so not long ago: the browser shows its ticket
/// unasked, whoever sits there, and the KDC does not say here when it was asked for a password.
fn is_presence_asked() -> bool {
    let demand = demands::current();
    demand.fresh || demand.max_age.is_some()
}

bindings::export!(Kerberos with_types_in bindings);

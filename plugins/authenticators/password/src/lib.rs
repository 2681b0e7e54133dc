//! Authenticator: a name and a password.
//!
//! The comparison happens in the kernel, outside the sandbox, with its limits on failures. This
//! component asks for both and says what the answer means. Message keys: `sign-in.title`,
//! `sign-in.username`, `sign-in.password`, `sign-in.submit`, `sign-in.wrong`, `sign-in.throttled`.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports that wit-bindgen generates")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use postern_authenticator::accounts::{PasswordVerdict, check_password};
use postern_authenticator::*;

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

/// RFC 8176.
const METHOD: &str = "pwd";
/// SAML 2.0 Authentication Context section 3.4.10: the host serves nothing but TLS.
const CONTEXT: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
/// Bytes. Longer ones are wrong: nobody typed them, and the hash is not to be asked for them.
const MAX_USERNAME: usize = 256;
const MAX_PASSWORD: usize = 1_024;

struct Password;

impl Authenticator for Password {
    fn describe() -> Description {
        let version = env!("CARGO_PKG_VERSION");
        let password = further_factor("password", version, Factor::Knowledge, METHOD, CONTEXT, &[]);
        Description { title: text("sign-in.password"), identifies: true, ..password }
    }

    fn sign_in(call: &Call) -> Step {
        let Some(form) = &call.form else {
            let known = call.person().map(|person| &person.username);
            return ask(known.or(call.context.login_hint.as_ref()).map_or("", String::as_str), None);
        };
        let (Some(username), Some(password)) = (form.only("username"), form.only("password")) else {
            return ask("", Some("sign-in.wrong"));
        };
        if username.len() > MAX_USERNAME {
            return ask("", Some("sign-in.wrong"));
        }
        if username.is_empty() || password.is_empty() || password.len() > MAX_PASSWORD {
            return ask(username, Some("sign-in.wrong"));
        }
        match check_password(username, password) {
            // Somebody else than the one who is to be confirmed.
            PasswordVerdict::Correct(account)
                if call.person().is_some_and(|person| person.subject != account.subject) =>
            {
                ask(username, Some("sign-in.wrong"))
            }
            PasswordVerdict::Correct(account) => found(&account.subject, METHOD, CONTEXT),
            PasswordVerdict::Wrong => ask(username, Some("sign-in.wrong")),
            PasswordVerdict::Throttled(_) => ask(username, Some("sign-in.throttled")),
            PasswordVerdict::Unavailable => unavailable("the user store or the password queue cannot serve"),
        }
    }
}

/// The form, with the name that was typed. The password is typed anew each time.
fn ask(username: &str, error: Option<&str>) -> Step {
    let name = field("username", FieldKind::Text, "sign-in.username", "username");
    let password = field("password", FieldKind::Secret, "sign-in.password", "current-password");
    let elements = [Field { value: username.into(), ..name }, password].map(Element::Field);
    postern_authenticator::ask("sign-in.title", elements.into(), error.map(text))
}

postern_authenticator::export!(Password);

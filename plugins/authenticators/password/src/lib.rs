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

#[allow(missing_docs, unreachable_pub, reason = "generated; documented in wit/authenticator.wit")]
mod bindings {
    wit_bindgen::generate!({
        world: "authenticator-module",
        path: "../../../wit",
    });
}

use bindings::exports::postern::idp::authenticator::{
    Challenge, Context, Description, Factor, Field, FieldKind, FormField, Guest, Identity, Step,
};
use bindings::postern::idp::accounts::{PasswordVerdict, check_password};

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

impl Guest for Password {
    fn describe() -> Description {
        Description {
            name: "password".into(),
            title: "sign-in.title".into(),
            factor: Factor::Knowledge,
            methods: vec![METHOD.into()],
            context: CONTEXT.into(),
            settings_schema: r#"{"type":"object","additionalProperties":false}"#.into(),
        }
    }

    fn begin(context: Context) -> Step {
        challenge(context.login_hint.unwrap_or_default(), None)
    }

    fn proceed(_context: Context, _state: Vec<u8>, form: Vec<FormField>) -> Step {
        let (Some(username), Some(password)) = (only(&form, "username"), only(&form, "password")) else {
            return challenge(String::new(), Some("sign-in.wrong"));
        };
        if username.len() > MAX_USERNAME {
            return challenge(String::new(), Some("sign-in.wrong"));
        }
        if username.is_empty() || password.is_empty() || password.len() > MAX_PASSWORD {
            return challenge(username.into(), Some("sign-in.wrong"));
        }
        match check_password(username, password) {
            PasswordVerdict::Correct(account) => Step::Authenticated(Identity {
                subject: account.subject,
                methods: vec![METHOD.into()],
                context: CONTEXT.into(),
            }),
            PasswordVerdict::Wrong => challenge(username.into(), Some("sign-in.wrong")),
            PasswordVerdict::Throttled(_) => challenge(username.into(), Some("sign-in.throttled")),
            PasswordVerdict::Unavailable => {
                Step::Unavailable("the user store or the password queue cannot serve".into())
            }
        }
    }
}

/// The field's value when it came exactly once.
fn only<'a>(form: &'a [FormField], name: &str) -> Option<&'a str> {
    let mut values = form.iter().filter(|field| field.name == name);
    let value = values.next()?;
    values.next().is_none().then_some(value.value.as_str())
}

/// The form, with the name that was typed. The password is typed anew each time.
fn challenge(username: String, error: Option<&str>) -> Step {
    Step::Challenge(Challenge {
        title: "sign-in.title".into(),
        fields: vec![
            Field {
                name: "username".into(),
                kind: FieldKind::Text,
                label: "sign-in.username".into(),
                value: username,
                required: true,
                autocomplete: "username".into(),
            },
            Field {
                name: "password".into(),
                kind: FieldKind::Secret,
                label: "sign-in.password".into(),
                value: String::new(),
                required: true,
                autocomplete: "current-password".into(),
            },
        ],
        submit: "sign-in.submit".into(),
        error: error.map(Into::into),
        state: Vec::new(),
    })
}

bindings::export!(Password with_types_in bindings);

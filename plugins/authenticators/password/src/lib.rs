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
    Challenge, Context, Description, Element, Event, Factor, Field, FieldKind, FormField, Guest, Identity,
    Step, Text, Who,
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
            version: env!("CARGO_PKG_VERSION").into(),
            title: text("sign-in.password"),
            factors: vec![Factor::Knowledge],
            methods: vec![METHOD.into()],
            contexts: vec![CONTEXT.into()],
            identifies: true,
            enrols: false,
            settings_schema: r#"{"type":"object","additionalProperties":false}"#.into(),
            translations: Vec::new(),
        }
    }

    fn begin(context: Context) -> Step {
        let known = context.person.map(|person| person.username);
        challenge(known.or(context.login_hint).unwrap_or_default(), None)
    }

    fn proceed(context: Context, _state: Vec<u8>, event: Event) -> Step {
        let form = match event {
            Event::Form(form) => form,
            Event::Returned(_) | Event::Poll => Vec::new(),
        };
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
            // Somebody else than the one who is to be confirmed.
            PasswordVerdict::Correct(account)
                if context.person.as_ref().is_some_and(|person| person.subject != account.subject) =>
            {
                challenge(username.into(), Some("sign-in.wrong"))
            }
            PasswordVerdict::Correct(account) => Step::Authenticated(Identity {
                who: Who::Account(account.subject),
                methods: vec![METHOD.into()],
                context: CONTEXT.into(),
                remember: None,
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

/// One of the host's own texts.
fn text(key: &str) -> Text {
    Text { key: key.into(), arguments: Vec::new() }
}

/// The form, with the name that was typed. The password is typed anew each time.
fn challenge(username: String, error: Option<&str>) -> Step {
    let field = |name: &str, kind, label: &str, value, autocomplete: &str| {
        Element::Field(Field {
            name: name.into(),
            kind,
            label: text(label),
            value,
            required: true,
            autocomplete: autocomplete.into(),
        })
    };
    let secret = FieldKind::Secret;
    Step::Challenge(Challenge {
        title: text("sign-in.title"),
        elements: vec![
            field("username", FieldKind::Text, "sign-in.username", username, "username"),
            field("password", secret, "sign-in.password", String::new(), "current-password"),
        ],
        submit: text("sign-in.submit"),
        error: error.map(text),
        state: Vec::new(),
    })
}

bindings::export!(Password with_types_in bindings);

//! A phone is set up: the code is shown, and one from the app proves that it was taken over.

use postern_otp::{Code, Key, Record, matching_step};

use crate::bindings::exports::postern::idp::authenticator::{Challenge, FormField, Person, Step};
use crate::bindings::postern::idp::credential_index::{self, Added};
use crate::bindings::postern::idp::system;
use crate::{form, only, texts};

/// Bytes of a name: what the kernel keeps.
const MAX_LABEL: usize = 64;

pub(crate) fn begin(base_url: &str, person: &Person) -> Step {
    match Key::new(&system::random(20)) {
        Some(key) => ask(base_url, person, &key, "", None),
        None => Step::Unavailable("no randomness".into()),
    }
}

/// The state is the key: nobody but this component has seen it.
pub(crate) fn proceed(base_url: &str, person: &Person, state: &[u8], sent: &[FormField]) -> Step {
    let Some(key) = Key::new(state) else {
        return Step::Unavailable("the state is not one of this component's".into());
    };
    let label = only(sent, "label").unwrap_or_default();
    if label.len() > MAX_LABEL || label.chars().any(char::is_control) {
        return ask(base_url, person, &key, "", Some("totp.label.wrong"));
    }
    let code = only(sent, "code").and_then(Code::read);
    let step = code.and_then(|code| matching_step(&key, code, system::now(), None));
    let Some(last) = step else { return ask(base_url, person, &key, label, Some("totp.wrong")) };
    let record = Record { key: key.clone(), last }.write();
    // Found by its key: of a form that is sent twice one makes a record, or a code would be good twice.
    match credential_index::add(&person.subject, label, &record, key.bytes()) {
        Added::Id(_) | Added::Taken => Step::Enrolled,
        Added::Full => ask(base_url, person, &key, label, Some("totp.full")),
    }
}

fn ask(base_url: &str, person: &Person, key: &Key, label: &str, error: Option<&str>) -> Step {
    let issuer = base_url.strip_prefix("https://").unwrap_or(base_url);
    Step::Challenge(Challenge {
        title: texts::text("totp.enrol"),
        elements: vec![
            form::qr_code("totp.enrol.scan", key.uri(issuer, &person.username), key.to_type()),
            form::code("totp.enrol.code"),
            form::label("totp.enrol.label", label),
        ],
        submit: texts::text("totp.enrol.submit"),
        error: error.map(texts::text),
        state: key.bytes().to_vec(),
    })
}

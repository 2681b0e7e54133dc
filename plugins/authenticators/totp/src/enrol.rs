//! A phone is set up: the code is shown, and one from the app proves that it was taken over.

use postern_authenticator::credential_index::Added;
use postern_authenticator::*;
use postern_otp::{Code, Key, Record, matching_step};

use crate::form;

/// Bytes of a name: what the kernel keeps.
const MAX_LABEL: usize = 64;

pub(crate) fn begin(base_url: &str, person: &Person) -> Step {
    match Key::new(&system::random(20)) {
        Some(key) => ask(base_url, person, &key, "", None),
        None => unavailable("no randomness"),
    }
}

/// The state is the key: nobody but this component has seen it.
pub(crate) fn proceed(base_url: &str, person: &Person, state: &[u8], sent: &Form) -> Step {
    let Some(key) = Key::new(state) else {
        return unavailable("the state is not one of this component's");
    };
    let label = sent.value("label");
    if label.len() > MAX_LABEL || label.chars().any(char::is_control) {
        return ask(base_url, person, &key, "", Some("totp.label.wrong"));
    }
    let code = sent.only("code").and_then(Code::read);
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
    let elements = vec![
        form::qr_code("totp.enrol.scan", key.uri(issuer, &person.username), key.to_type()),
        one_time_code("code", "totp.enrol.code"),
        form::label("totp.enrol.label", label),
    ];
    let asked = challenge("totp.enrol", elements, error.map(text));
    Step::Challenge(Challenge { submit: text("totp.enrol.submit"), state: key.bytes().to_vec(), ..asked })
}

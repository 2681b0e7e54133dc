//! The parts of this component's forms, and the fields that come back.

use postern_webauthn::{
    Base64Url, CredentialType, DescribedCredential, Preference, Record, Transport, UserVerification,
};

use crate::bindings::exports::postern::idp::authenticator::{
    Challenge, Element, Field, FieldKind, FormField, Message, Step,
};
use crate::texts::text;

/// The answer of the browser comes back under this name.
pub(crate) const ANSWER: &str = "answer";

pub(crate) fn told(body: &str) -> Element {
    Element::Message(Message { body: text(body), link: None })
}

pub(crate) fn label(value: &str) -> Element {
    Element::Field(Field {
        name: "label".into(),
        kind: FieldKind::Text,
        label: text("passkey.enrol.label"),
        value: value.into(),
        required: false,
        autocomplete: String::new(),
    })
}

pub(crate) fn challenge(
    title: &str,
    elements: Vec<Element>,
    submit: &str,
    error: Option<&str>,
    state: Vec<u8>,
) -> Step {
    let (title, submit) = (text(title), text(submit));
    Step::Challenge(Challenge { title, elements, submit, error: error.map(text), state })
}

/// The person's credentials, for the browser.
pub(crate) fn described(records: &[Record]) -> Vec<DescribedCredential> {
    let known = |name: &String| match name.as_str() {
        "usb" => Some(Transport::Usb),
        "nfc" => Some(Transport::Nfc),
        "ble" => Some(Transport::Ble),
        "smart-card" => Some(Transport::SmartCard),
        "hybrid" => Some(Transport::Hybrid),
        "internal" => Some(Transport::Internal),
        _ => None,
    };
    let one = |record: &Record| DescribedCredential {
        kind: CredentialType::PublicKey,
        id: Base64Url(record.id.clone()),
        transports: record.transports.iter().filter_map(known).collect(),
    };
    records.iter().map(one).collect()
}

pub(crate) fn preference(user_verification: UserVerification) -> Preference {
    match user_verification {
        UserVerification::Required => Preference::Required,
        UserVerification::Preferred => Preference::Preferred,
    }
}

/// The field's value when it came exactly once.
pub(crate) fn only<'a>(form: &'a [FormField], name: &str) -> Option<&'a str> {
    let mut values = form.iter().filter(|field| field.name == name);
    let value = values.next()?;
    values.next().is_none().then_some(value.value.as_str())
}

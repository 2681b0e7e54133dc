//! The parts of this component's forms.

use postern_authenticator::*;
use postern_webauthn::{
    Base64Url, CredentialType, DescribedCredential, Preference, Record, Transport, UserVerification,
};

/// The answer of the browser comes back under this name.
pub(crate) const ANSWER: &str = "answer";

pub(crate) fn label(value: &str) -> Element {
    let label = field("label", FieldKind::Text, "passkey.enrol.label", "");
    Element::Field(Field { value: value.into(), required: false, ..label })
}

pub(crate) fn ask(
    title: &str,
    elements: Vec<Element>,
    submit: &str,
    error: Option<&str>,
    state: Vec<u8>,
) -> Step {
    let asked = challenge(title, elements, error.map(text));
    Step::Challenge(Challenge { submit: text(submit), state, ..asked })
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

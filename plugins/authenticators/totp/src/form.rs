//! The parts of this component's forms.

use crate::bindings::exports::postern::idp::authenticator::{Element, Field, FieldKind, Message, QrCode};
use crate::texts::text;

pub(crate) fn code(label: &str) -> Element {
    Element::Field(Field {
        name: "code".into(),
        kind: FieldKind::OneTimeCode,
        label: text(label),
        value: String::new(),
        required: true,
        autocomplete: "one-time-code".into(),
    })
}

pub(crate) fn label(label: &str, value: &str) -> Element {
    Element::Field(Field {
        name: "label".into(),
        kind: FieldKind::Text,
        label: text(label),
        value: value.into(),
        required: false,
        autocomplete: String::new(),
    })
}

pub(crate) fn qr_code(label: &str, payload: String, plain: String) -> Element {
    Element::QrCode(QrCode { label: text(label), payload, plain })
}

pub(crate) fn told(body: &str) -> Element {
    Element::Message(Message { body: text(body), link: None })
}

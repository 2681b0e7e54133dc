//! The parts of this component's forms.

use postern_authenticator::*;

pub(crate) fn label(label: &str, value: &str) -> Element {
    let label = field("label", FieldKind::Text, label, "");
    Element::Field(Field { value: value.into(), required: false, ..label })
}

pub(crate) fn qr_code(label: &str, payload: String, plain: String) -> Element {
    Element::QrCode(QrCode { label: text(label), payload, plain })
}

//! The parts of this component's forms.

use postern_authenticator::*;

pub(crate) fn label(value: &str) -> Element {
    let label = field("label", FieldKind::Text, "certificate.enrol.label", "");
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

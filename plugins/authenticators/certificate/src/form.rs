//! The parts of this component's forms, and the fields that come back.

use crate::bindings::exports::postern::idp::authenticator::{
    Argument, Challenge, Element, Field, FieldKind, FormField, Message, Step, Text,
};
use crate::texts::text;

pub(crate) fn told(body: &str) -> Element {
    Element::Message(Message { body: text(body), link: None })
}

/// What is said of a certificate, by its name.
pub(crate) fn told_of(body: &str, called: &str) -> Element {
    let arguments = vec![Argument { name: "name".into(), value: called.into() }];
    Element::Message(Message { body: Text { key: body.into(), arguments }, link: None })
}

pub(crate) fn label(value: &str) -> Element {
    Element::Field(Field {
        name: "label".into(),
        kind: FieldKind::Text,
        label: text("certificate.enrol.label"),
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

/// The field's value when it came exactly once.
pub(crate) fn only<'a>(form: &'a [FormField], name: &str) -> Option<&'a str> {
    let mut values = form.iter().filter(|field| field.name == name);
    let value = values.next()?;
    values.next().is_none().then_some(value.value.as_str())
}

//! What the templates see of an authenticator's challenge.

use postern_kernel::authenticator::{self, FieldKind};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Challenge<'c> {
    title: &'c str,
    submit: &'c str,
    error: Option<&'c str>,
    fields: Vec<Field<'c>>,
}

#[derive(Serialize)]
struct Field<'c> {
    name: &'c str,
    label: &'c str,
    value: &'c str,
    #[serde(rename = "type")]
    kind: &'static str,
    numeric: bool,
    required: bool,
    autocomplete: &'c str,
    focus: bool,
}

impl<'c> Challenge<'c> {
    pub(super) fn new(challenge: &'c authenticator::Challenge) -> Self {
        // The first field that is still to be filled in. After a failure the summary comes first.
        let focus = match challenge.error {
            Some(_) => None,
            None => challenge.fields.iter().position(|field| field.value.is_empty()),
        };
        let fields = challenge.fields.iter().enumerate().map(|(index, field)| Field {
            name: &field.name,
            label: &field.label,
            // A secret is never sent back, whatever the component says.
            value: if field.kind == FieldKind::Secret { "" } else { &field.value },
            kind: if field.kind == FieldKind::Secret { "password" } else { "text" },
            numeric: field.kind == FieldKind::OneTimeCode,
            required: field.required,
            autocomplete: if field.autocomplete.is_empty() { "off" } else { &field.autocomplete },
            focus: focus == Some(index),
        });
        Self {
            title: &challenge.title,
            submit: &challenge.submit,
            error: challenge.error.as_deref(),
            fields: fields.collect(),
        }
    }
}

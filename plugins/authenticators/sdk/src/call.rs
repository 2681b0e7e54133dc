//! What the host hands to an authenticator.

use crate::{Context, Event, FormField, Person};

/// One call of the host.
#[derive(Debug)]
pub struct Call {
    /// Who signs in where, in which language, with which settings.
    pub context: Context,
    /// What the challenge before kept for this call. Empty at the beginning.
    pub state: Vec<u8>,
    /// What the person sent. None at the beginning.
    pub form: Option<Form>,
}

impl Call {
    /// Whom an earlier step found, or who sets it up.
    pub fn person(&self) -> Option<&Person> {
        self.context.person.as_ref()
    }
}

/// What a person sent.
#[derive(Debug)]
pub struct Form(Vec<FormField>);

impl Form {
    #[doc(hidden)]
    pub fn of(event: Event) -> Self {
        match event {
            Event::Form(fields) => Self(fields),
            Event::Returned(_) | Event::Poll => Self(Vec::new()),
        }
    }

    /// The value of the field that came exactly once; empty when it did not.
    pub fn value(&self, name: &str) -> &str {
        let mut values = self.0.iter().filter(|field| field.name == name);
        match (values.next(), values.next()) {
            (Some(field), None) => &field.value,
            _ => "",
        }
    }
}

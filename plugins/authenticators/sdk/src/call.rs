//! What the host hands to an authenticator.

use core::fmt;

use crate::demands::{self, Demand};
use crate::{Context, Event, FormField, Person};

/// One call of the host. At the beginning there is neither a form nor anything that was brought back.
pub struct Call {
    /// Who signs in where, in which language, with which settings.
    pub context: Context,
    /// What the answer before kept for this call. Empty at the beginning.
    pub state: Vec<u8>,
    /// What the person sent.
    pub form: Option<Form>,
    /// What the person brought back from where the answer before sent them ([`sent_to`](crate::sent_to)).
    pub returned: Option<Returned>,
    /// Whether nobody did anything, and the host asks again, as [`waiting`](crate::waiting) has it.
    pub polled: bool,
}

impl Call {
    #[doc(hidden)]
    pub fn of(context: Context, state: Vec<u8>, event: Option<Event>) -> Self {
        let call = Self { context, state, form: None, returned: None, polled: false };
        match event {
            None => call,
            Some(Event::Form(fields)) => Self { form: Some(Form(fields)), ..call },
            Some(Event::Returned(query)) => Self { returned: Some(Returned::of(query)), ..call },
            Some(Event::Poll) => Self { polled: true, ..call },
        }
    }

    /// Whom an earlier step found, or who sets it up.
    pub fn person(&self) -> Option<&Person> {
        self.context.person.as_ref()
    }
}

/// What the application and the operator ask of this sign-in. Who sends people elsewhere passes it on there and
/// judges by it what they bring back; one that never asks is passed over where somebody has to prove anew who
/// they are.
pub fn demanded() -> Demand {
    demands::current()
}

impl Demand {
    /// Whether a session elsewhere is not enough: the proof has to be made in this sign-in, or of a greatest age.
    pub fn wants_recent(&self) -> bool {
        self.fresh || self.max_age.is_some()
    }
}

/// What a person sent.
pub struct Form(Vec<FormField>);

impl Form {
    /// The value of the field that came exactly once; empty when it did not.
    pub fn value(&self, name: &str) -> &str {
        self.only(name).unwrap_or_default()
    }

    /// The same; none when it did not.
    pub fn only(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|field| field.name == name);
        match (values.next(), values.next()) {
            (Some(field), None) => Some(&field.value),
            _ => None,
        }
    }
}

impl fmt::Debug for Form {
    /// The names alone: values are what people keep to themselves.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|field| &field.name)).finish()
    }
}

/// What a person brought back from elsewhere: the query of the address that they came by, or the form that was
/// posted there. The host found by its `state` (or `RelayState`) whose it is, and believes nothing else in it.
pub struct Returned {
    query: String,
    fields: Form,
}

impl Returned {
    fn of(query: String) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let fields = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            FormField { name: decoded(name), value: decoded(value) }
        });
        Self { fields: Form(fields.collect()), query }
    }

    /// The value of the parameter that came exactly once, decoded; empty when it did not.
    pub fn value(&self, name: &str) -> &str {
        self.fields.value(name)
    }

    /// All of it, as it came: encoded as `application/x-www-form-urlencoded`.
    pub fn query(&self) -> &str {
        &self.query
    }
}

impl fmt::Debug for Returned {
    /// The names alone, as of a form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fields.fmt(f)
    }
}

/// The host lets nothing through that is encoded wrongly; here it would be empty.
fn decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'+' => Some(b' '),
            b'%' => digit(bytes.next()).zip(digit(bytes.next())).map(|(high, low)| high << 4 | low),
            byte => Some(byte),
        };
        let Some(byte) = byte else { return String::new() };
        decoded.push(byte);
    }
    String::from_utf8(decoded).unwrap_or_default()
}

fn digit(byte: Option<u8>) -> Option<u8> {
    char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

//! What an authenticator asks of a person: described, never HTML.

use core::fmt;

use serde::{Deserialize, Serialize};

/// A text for people, by its key. See `text` in `wit/authenticator.wit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Text {
    pub key: String,
    pub arguments: Vec<(String, String)>,
}

impl Text {
    /// Without arguments.
    pub fn of(key: &str) -> Self {
        Self { key: key.into(), arguments: Vec::new() }
    }
}

/// A form as the host renders it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Challenge {
    pub title: Text,
    pub elements: Vec<Element>,
    pub submit: Text,
    pub error: Option<Text>,
    #[serde(with = "crate::opaque")]
    pub state: Vec<u8>,
}

impl fmt::Debug for Challenge {
    /// The state may hold a secret that is being set up.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge")
            .field("title", &self.title)
            .field("elements", &self.elements)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl Challenge {
    /// Whether the answer is a signature by a key of the person's: nobody guesses one.
    pub fn has_ceremony(&self) -> bool {
        self.elements.iter().any(|element| matches!(element, Element::WebAuthn(_)))
    }

    /// Seconds after which the page asks again, when it waits for another device.
    pub fn interval(&self) -> Option<u32> {
        self.elements.iter().find_map(|element| match element {
            Element::Waiting(waiting) => Some(waiting.interval),
            _ => None,
        })
    }
}

/// A part of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub enum Element {
    Field(Field),
    Choice(Choice),
    QrCode(QrCode),
    Message(Message),
    WebAuthn(WebAuthn),
    Waiting(Waiting),
}

/// Kinds of form fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum FieldKind {
    Text,
    Secret,
    OneTimeCode,
}

/// A form field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Field {
    pub name: String,
    pub kind: FieldKind,
    pub label: Text,
    pub value: String,
    pub required: bool,
    pub autocomplete: String,
}

/// One of several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Choice {
    pub name: String,
    pub label: Text,
    pub options: Vec<ChoiceOption>,
}

/// One of a choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct ChoiceOption {
    pub value: String,
    pub label: Text,
}

/// Rendered by the host, with the same as text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct QrCode {
    pub label: Text,
    pub payload: String,
    pub plain: String,
}

impl fmt::Debug for QrCode {
    /// What is in it is a secret more often than not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QrCode({})", self.label.key)
    }
}

/// A ceremony of the browser, with options that the host has judged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebAuthn {
    /// Which.
    pub ceremony: Ceremony,
    /// The answer comes back as JSON under this name.
    pub name: String,
    /// PublicKeyCredentialCreationOptions or PublicKeyCredentialRequestOptions as JSON.
    pub options: String,
}

/// The ceremonies of Web Authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ceremony {
    /// `navigator.credentials.create`
    Create,
    /// `navigator.credentials.get`
    Get,
}

impl fmt::Debug for WebAuthn {
    /// The options name credentials of the person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebAuthn({:?} {})", self.ceremony, self.name)
    }
}

/// For another device: the page asks again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Waiting {
    pub label: Text,
    /// Seconds.
    pub interval: u32,
}

/// A paragraph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Message {
    pub body: Text,
    pub link: Option<Link>,
}

/// Somewhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in wit/authenticator.wit")]
pub struct Link {
    pub url: String,
    pub label: Text,
}

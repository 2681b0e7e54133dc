//! What the templates see of an authenticator's challenge. Texts are in the language of the page.

use postern_kernel::authenticator::{self, Ceremony, Element as Asked, FieldKind};
use postern_kernel::clock::Timestamp;
use postern_kernel::flow::{FactorOf, LinkOf, OwnLink, OwnSession};
use serde::Serialize;

use super::device;
use super::qr_code::{self, Drawn};
use super::texts::Texts;
use crate::audit::rfc3339;

#[derive(Serialize)]
pub(super) struct Challenge<'c> {
    title: String,
    submit: String,
    error: Option<String>,
    elements: Vec<Element<'c>>,
    /// Whether the browser has a ceremony to do: the page has its script then.
    pub(super) has_ceremony: bool,
    /// Of the first element that a person fills in: where the summary of what went wrong leads.
    first: Option<&'c str>,
}

#[derive(Serialize)]
#[serde(tag = "element", rename_all = "kebab-case")]
enum Element<'c> {
    Field(Field<'c>),
    Choice { name: &'c str, label: String, options: Vec<ChoiceOption<'c>> },
    QrCode { label: String, code: Option<Drawn>, plain: &'c str },
    Waiting { label: String },
    Message { body: String, is_value: bool, link: Option<Link<'c>> },
    WebAuthn { name: &'c str, ceremony: &'static str, options: &'c str },
}

#[derive(Serialize)]
struct Field<'c> {
    name: &'c str,
    label: String,
    value: &'c str,
    #[serde(rename = "type")]
    kind: &'static str,
    numeric: bool,
    required: bool,
    autocomplete: &'c str,
    focus: bool,
}

#[derive(Serialize)]
struct ChoiceOption<'c> {
    value: &'c str,
    label: String,
}

#[derive(Serialize)]
struct Link<'c> {
    url: &'c str,
    label: String,
}

impl<'c> Challenge<'c> {
    pub(super) fn new(challenge: &'c authenticator::Challenge, texts: &Texts<'_>) -> Self {
        let fields = || challenge.elements.iter().filter_map(filled_in);
        // The first field that is still to be filled in. After a failure the summary comes first.
        let focus = match challenge.error {
            Some(_) => None,
            None => fields().find(|(_, value)| value.is_empty()).map(|(name, _)| name),
        };
        Self {
            title: texts.text(&challenge.title),
            submit: texts.text(&challenge.submit),
            error: challenge.error.as_ref().map(|error| texts.text(error)),
            elements: challenge.elements.iter().map(|asked| element(asked, focus, texts)).collect(),
            has_ceremony: challenge.elements.iter().any(|asked| matches!(asked, Asked::WebAuthn(_))),
            first: fields().next().map(|(name, _)| name),
        }
    }
}

/// Name and value of what is filled in.
fn filled_in(asked: &Asked) -> Option<(&str, &str)> {
    match asked {
        Asked::Field(field) => Some((&field.name, &field.value)),
        Asked::Choice(choice) => Some((&choice.name, "")),
        Asked::QrCode(_) | Asked::Message(_) | Asked::WebAuthn(_) | Asked::Waiting(_) => None,
    }
}

fn element<'c>(asked: &'c Asked, focus: Option<&str>, texts: &Texts<'_>) -> Element<'c> {
    match asked {
        Asked::Field(field) => Element::Field(Field {
            name: &field.name,
            label: texts.text(&field.label),
            // A secret is never sent back, whatever the component says.
            value: if field.kind == FieldKind::Secret { "" } else { &field.value },
            kind: if field.kind == FieldKind::Secret { "password" } else { "text" },
            numeric: field.kind == FieldKind::OneTimeCode,
            required: field.required,
            autocomplete: if field.autocomplete.is_empty() { "off" } else { &field.autocomplete },
            focus: focus == Some(field.name.as_str()),
        }),
        Asked::Choice(choice) => {
            let option = |option: &'c authenticator::ChoiceOption| ChoiceOption {
                value: &option.value,
                label: texts.text(&option.label),
            };
            let options = choice.options.iter().map(option).collect();
            Element::Choice { name: &choice.name, label: texts.text(&choice.label), options }
        }
        Asked::QrCode(code) => Element::QrCode {
            label: texts.text(&code.label),
            code: qr_code::draw(&code.payload),
            plain: &code.plain,
        },
        Asked::WebAuthn(asked) => Element::WebAuthn {
            name: &asked.name,
            ceremony: match asked.ceremony {
                Ceremony::Create => "create",
                Ceremony::Get => "get",
            },
            options: &asked.options,
        },
        Asked::Waiting(waiting) => Element::Waiting { label: texts.text(&waiting.label) },
        Asked::Message(message) => {
            let link =
                |link: &'c authenticator::Link| Link { url: &link.url, label: texts.text(&link.label) };
            Element::Message {
                body: texts.text(&message.body),
                is_value: texts.is_value(&message.body),
                link: message.link.as_ref().map(link),
            }
        }
    }
}

/// A factor on the person's own page.
#[derive(Serialize)]
pub(super) struct Factor<'f> {
    authenticator: &'f str,
    title: String,
    credentials: Vec<Credential<'f>>,
    is_locked: bool,
}

#[derive(Serialize)]
struct Credential<'f> {
    id: &'f str,
    label: &'f str,
}

impl<'f> Factor<'f> {
    pub(super) fn new(factor: &'f FactorOf, texts: &Texts<'_>) -> Self {
        let credentials = factor.credentials.iter();
        let credentials = credentials.map(|one| Credential { id: &one.id, label: &one.label }).collect();
        let title = factor.own_title.clone().unwrap_or_else(|| texts.text(&factor.title));
        let authenticator = &factor.authenticator;
        Self { authenticator, title, credentials, is_locked: factor.is_locked }
    }
}

/// An outside identity on the person's own page.
#[derive(Serialize)]
pub(super) struct Linked<'l> {
    id: &'l str,
    title: String,
    label: &'l str,
    is_last_way: bool,
}

impl<'l> Linked<'l> {
    pub(super) fn new(link: &'l OwnLink, texts: &Texts<'_>) -> Self {
        let title = link.own_title.clone().unwrap_or_else(|| texts.text(&link.title));
        Self { id: &link.id, title, label: &link.label, is_last_way: link.is_last_way }
    }
}

/// Where an identity comes from that the person may link.
#[derive(Serialize)]
pub(super) struct Linkable<'l> {
    authenticator: &'l str,
    title: String,
}

impl<'l> Linkable<'l> {
    pub(super) fn new(linkable: &'l LinkOf, texts: &Texts<'_>) -> Self {
        let title = linkable.own_title.clone().unwrap_or_else(|| texts.text(&linkable.title));
        Self { authenticator: &linkable.authenticator, title }
    }
}

/// A session on the person's own page.
#[derive(Serialize)]
pub(super) struct Session<'s> {
    id: &'s str,
    is_current: bool,
    browser: Option<&'static str>,
    system: Option<&'static str>,
    address: &'s str,
    began: String,
    began_text: String,
    last_used: String,
    last_used_text: String,
    applications: &'s [String],
}

impl<'s> Session<'s> {
    pub(super) fn new(session: &'s OwnSession) -> Self {
        let (browser, system) = device::read(&session.user_agent);
        let (began, last_used) = (rfc3339(session.began_at), rfc3339(session.last_used_at));
        Self {
            id: &session.id,
            is_current: session.is_current,
            browser,
            system,
            address: &session.address,
            began_text: to_the_minute(session.began_at),
            last_used_text: to_the_minute(session.last_used_at),
            began,
            last_used,
            applications: &session.applications,
        }
    }
}

/// ISO 8601, as far as people want it: `2026-11-22 19:30 UTC`.
fn to_the_minute(time: Timestamp) -> String {
    let text = rfc3339(time);
    let parts = text.split_once('T').and_then(|(day, rest)| Some((day, rest.get(..5)?)));
    parts.map_or_else(|| text.clone(), |(day, minute)| format!("{day} {minute} UTC"))
}

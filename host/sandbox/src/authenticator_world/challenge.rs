//! Challenges on their way out of a component: described, bounded, and free of control characters.

use postern_kernel::authenticator::{
    Ceremony, Challenge, Choice, ChoiceOption, Element, Field, FieldKind, Link, Message, QrCode, Text,
    Waiting,
};

use super::border::Asked;
use super::{web_authn, wit};
use crate::bounds;
use crate::stop::Stop;

// Bytes.
pub(super) const STATE: usize = 4 << 10;
const VALUE: usize = 1_024;
const KEY: usize = 256;
const ARGUMENT: usize = 256;
const QR_CODE: usize = 512;
const URL: usize = 2_048;
/// Seconds between two questions.
const INTERVAL: core::ops::RangeInclusive<u32> = 2..=60;
/// Items of a list.
const ELEMENTS: usize = 16;
const ARGUMENTS: usize = 8;
const OPTIONS: usize = 16;

pub(super) fn challenge(challenge: wit::Challenge, asked: &Asked) -> Result<Challenge, Stop> {
    let wit::Challenge { title, elements, submit, error, state } = challenge;
    bounds::size("state", state.len(), STATE)?;
    bounds::count("elements", elements.len(), ELEMENTS)?;
    let elements = elements.into_iter().map(|one| element(one, asked)).collect::<Result<Vec<_>, _>>()?;
    web_authn::one_at_most(&elements)?;
    let waits = elements.iter().filter(|element| matches!(element, Element::Waiting(_)));
    bounds::count("waiting", waits.count(), 1)?;
    bounds::distinct("elements", elements.iter().filter_map(name))?;
    Ok(Challenge {
        title: text("title", title)?,
        elements,
        submit: text("submit", submit)?,
        error: error.map(|error| text("error", error)).transpose()?,
        state,
    })
}

/// What its value comes back under.
fn name(element: &Element) -> Option<&String> {
    match element {
        Element::Field(field) => Some(&field.name),
        Element::Choice(choice) => Some(&choice.name),
        Element::WebAuthn(ceremony) => Some(&ceremony.name),
        Element::QrCode(_) | Element::Message(_) | Element::Waiting(_) => None,
    }
}

fn element(element: wit::Element, asked: &Asked) -> Result<Element, Stop> {
    Ok(match element {
        wit::Element::Field(value) => Element::Field(field(value)?),
        wit::Element::Choice(value) => Element::Choice(choice(value)?),
        wit::Element::QrCode(value) => Element::QrCode(qr_code(value)?),
        wit::Element::Message(value) => Element::Message(message(value)?),
        wit::Element::WebAuthnCreate(value) => {
            Element::WebAuthn(web_authn::judged(Ceremony::Create, value, asked)?)
        }
        wit::Element::WebAuthnGet(value) => {
            Element::WebAuthn(web_authn::judged(Ceremony::Get, value, asked)?)
        }
        wit::Element::Waiting(value) => Element::Waiting(waiting(value)?),
    })
}

/// A key, which is shown as it is when nobody translated it, and its arguments.
pub(super) fn text(what: &str, text: wit::Text) -> Result<Text, Stop> {
    let wit::Text { key, arguments } = text;
    bounds::filled(what, &key, KEY)?;
    bounds::count(what, arguments.len(), ARGUMENTS)?;
    for wit::Argument { name, value } in &arguments {
        bounds::name(what, name, 32, "-_")?;
        bounds::line(what, value, ARGUMENT)?;
    }
    let own = |wit::Argument { name, value }| (name, value);
    Ok(Text { key, arguments: arguments.into_iter().map(own).collect() })
}

fn field(field: wit::Field) -> Result<Field, Stop> {
    let wit::Field { name, kind, label, value, required, autocomplete } = field;
    bounds::name("field: name", &name, 64, "-_")?;
    // What a person typed is shown again as it was, so that a control character in it is not the
    // module's fault.
    bounds::size("field: value", value.len(), VALUE)?;
    let is_autocomplete = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b' ');
    if autocomplete.len() > 64 || !autocomplete.bytes().all(is_autocomplete) {
        return Err(Stop::output(format_args!("field: {name} has no such autocomplete token")));
    }
    let kind = match kind {
        wit::FieldKind::Text => FieldKind::Text,
        wit::FieldKind::Secret => FieldKind::Secret,
        wit::FieldKind::OneTimeCode => FieldKind::OneTimeCode,
    };
    if kind != FieldKind::Text && !value.is_empty() {
        return Err(Stop::output(format_args!("field: {name} is secret and has a value")));
    }
    Ok(Field { label: text("field: label", label)?, name, kind, value, required, autocomplete })
}

fn choice(choice: wit::Choice) -> Result<Choice, Stop> {
    let wit::Choice { name, label, options } = choice;
    bounds::name("choice: name", &name, 64, "-_")?;
    bounds::count("choice: options", options.len(), OPTIONS)?;
    bounds::distinct("choice: options", options.iter().map(|option| &option.value))?;
    let own = |wit::ChoiceOption { value, label }| {
        bounds::line("choice: value", &value, VALUE)?;
        Ok(ChoiceOption { value, label: text("choice: label", label)? })
    };
    let options = options.into_iter().map(own).collect::<Result<Vec<_>, Stop>>()?;
    if options.is_empty() {
        return Err(Stop::output(format_args!("choice: {name} has no options")));
    }
    Ok(Choice { label: text("choice: label", label)?, name, options })
}

fn qr_code(code: wit::QrCode) -> Result<QrCode, Stop> {
    let wit::QrCode { label, payload, plain } = code;
    bounds::filled("qr-code: payload", &payload, QR_CODE)?;
    bounds::filled("qr-code: plain", &plain, QR_CODE)?;
    Ok(QrCode { label: text("qr-code: label", label)?, payload, plain })
}

fn waiting(waiting: wit::Waiting) -> Result<Waiting, Stop> {
    let wit::Waiting { label, interval } = waiting;
    if !INTERVAL.contains(&interval) {
        return Err(Stop::output(format_args!("waiting: interval: {interval} seconds, 2 to 60 are allowed")));
    }
    Ok(Waiting { label: text("waiting: label", label)?, interval })
}

fn message(message: wit::Message) -> Result<Message, Stop> {
    let link = message.link.map(|wit::Link { url, label }| {
        bounds::url("message: link", &url, URL)?;
        Ok::<_, Stop>(Link { url, label: text("message: link", label)? })
    });
    Ok(Message { body: text("message", message.body)?, link: link.transpose()? })
}

//! Short words for what most authenticators say of themselves, and ask.

use crate::{Argument, Description, Element, Factor, Field, FieldKind, Message, Text, Translation, Waiting};

/// A text in a language: key, language (BCP 47), text. Every key in `en` at least.
pub type Texts = &'static [(&'static str, &'static str, &'static str)];

/// What confirms a person whom an earlier step found. `title` is the key `NAME.title` of the texts, `method`
/// is of RFC 8176, `context` the authentication context class that it reaches. Change what is different: it is
/// a record.
pub fn further_factor(
    name: &str,
    version: &str,
    factor: Factor,
    method: &str,
    context: &str,
    texts: Texts,
) -> Description {
    Description {
        name: name.into(),
        version: version.into(),
        title: text(&format!("{name}.title")),
        factors: vec![factor],
        methods: vec![method.into()],
        contexts: vec![context.into()],
        identifies: false,
        enrols: false,
        settings_schema: NO_SETTINGS.into(),
        translations: translations(texts),
    }
}

/// The texts as a description has them.
pub fn translations(texts: Texts) -> Vec<Translation> {
    texts.iter().map(|(key, language, text)| translation(language, key, text)).collect()
}

/// The same of texts in two languages: key, text in `one`, text in `other`.
pub fn in_two_languages(one: &str, other: &str, texts: &[(&str, &str, &str)]) -> Vec<Translation> {
    let both = |(key, first, second): &(&str, &str, &str)| {
        [translation(one, key, first), translation(other, key, second)]
    };
    texts.iter().flat_map(both).collect()
}

fn translation(language: &str, key: &str, text: &str) -> Translation {
    Translation { language: language.into(), key: key.into(), text: text.into() }
}

/// The schema of an authenticator without settings.
pub const NO_SETTINGS: &str = r#"{"type":"object","additionalProperties":false}"#;

/// A text: the key of one of the component's own, or of the host's messages.
pub fn text(key: &str) -> Text {
    Text { key: key.into(), arguments: Vec::new() }
}

/// The same with what stands in the place of `{name}`.
pub fn text_with(key: &str, name: &str, value: &str) -> Text {
    Text { key: key.into(), arguments: vec![Argument { name: name.into(), value: value.into() }] }
}

/// A field whose value nobody looks over a shoulder at.
pub fn secret(name: &str, label: &str) -> Element {
    Element::Field(field(name, FieldKind::Secret, label, "off"))
}

/// A field for digits that are good once.
pub fn one_time_code(name: &str, label: &str) -> Element {
    Element::Field(field(name, FieldKind::OneTimeCode, label, "one-time-code"))
}

/// A field for text.
pub fn line(name: &str, label: &str) -> Element {
    Element::Field(field(name, FieldKind::Text, label, "off"))
}

/// A field that has to be filled in, to change: it is a record. `autocomplete` is a token of HTML, such as
/// `username`.
pub fn field(name: &str, kind: FieldKind, label: &str, autocomplete: &str) -> Field {
    Field {
        name: name.into(),
        kind,
        label: text(label),
        value: String::new(),
        required: true,
        autocomplete: autocomplete.into(),
    }
}

/// A text to read.
pub fn told(body: Text) -> Element {
    Element::Message(Message { body, link: None })
}

/// For another device: the host asks again each so many seconds (2 to 60), and then `call.polled` is true.
pub fn waiting(label: &str, interval: u32) -> Element {
    Element::Waiting(Waiting { label: text(label), interval })
}

/// Whether the two are the same, as slowly for a wrong guess as for a right one.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    let differ = one.iter().zip(other).fold(0, |differ, (one, other)| differ | (one ^ other));
    one.len() == other.len() && core::hint::black_box(differ) == 0
}

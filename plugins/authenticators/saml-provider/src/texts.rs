//! What people read.

use crate::bindings::exports::postern::idp::authenticator::{Text, Translation};

const TEXTS: [(&str, &str, &str); 4] = [
    ("saml-provider.title", "en", "Your organisation"),
    ("saml-provider.title", "de", "Ihre Organisation"),
    (
        "saml-provider.refused",
        "en",
        "Your organisation did not sign you in. Try again, or ask its service desk.",
    ),
    (
        "saml-provider.refused",
        "de",
        "Ihre Organisation hat Sie nicht angemeldet. Versuchen Sie es noch einmal, oder fragen Sie dort nach.",
    ),
];

pub(crate) fn text(key: &str) -> Text {
    Text { key: key.into(), arguments: Vec::new() }
}

pub(crate) fn translations() -> Vec<Translation> {
    let own = |(key, language, text): &(&str, &str, &str)| Translation {
        language: (*language).into(),
        key: (*key).into(),
        text: (*text).into(),
    };
    TEXTS.iter().map(own).collect()
}

//! What people read.

use crate::bindings::exports::postern::idp::authenticator::{Text, Translation};

/// Key, English, German.
const TEXTS: &[(&str, &str, &str)] = &[
    ("openid-provider.title", "Another organisation's account", "Konto einer anderen Organisation"),
    (
        "openid-provider.denied",
        "The sign-in was refused there. Sign in another way, or ask again.",
        "Die Anmeldung wurde dort abgelehnt. Melden Sie sich anders an, oder versuchen Sie es noch einmal.",
    ),
];

pub(crate) fn text(key: &str) -> Text {
    Text { key: key.into(), arguments: Vec::new() }
}

pub(crate) fn translations() -> Vec<Translation> {
    let one = |language: &str, key: &str, text: &str| Translation {
        language: language.into(),
        key: key.into(),
        text: text.into(),
    };
    TEXTS.iter().flat_map(|(key, en, de)| [one("en", key, en), one("de", key, de)]).collect()
}

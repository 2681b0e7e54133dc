//! What people read.

use crate::bindings::exports::postern::idp::authenticator::{Text, Translation};

const TEXTS: [(&str, &str, &str); 2] =
    [("kerberos.title", "en", "Your network account"), ("kerberos.title", "de", "Ihr Netzwerkkonto")];

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

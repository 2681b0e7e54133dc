//! Checks on what leaves the sandbox. Nothing is repaired: what is out of bounds ends the call.

use std::collections::HashSet;
use std::hash::Hash;

use crate::stop::Stop;

/// At most `most` bytes.
pub(crate) fn size(what: &str, length: usize, most: usize) -> Result<(), Stop> {
    if length > most {
        return Err(Stop::output(format_args!("{what}: {length} bytes, {most} at most")));
    }
    Ok(())
}

/// At most `most` items.
pub(crate) fn count(what: &str, length: usize, most: usize) -> Result<(), Stop> {
    if length > most {
        return Err(Stop::output(format_args!("{what}: {length} items, {most} at most")));
    }
    Ok(())
}

/// Text on one line: no control characters.
pub(crate) fn line(what: &str, text: &str, most: usize) -> Result<(), Stop> {
    size(what, text.len(), most)?;
    if text.chars().any(char::is_control) {
        return Err(Stop::output(format_args!("{what}: control character")));
    }
    Ok(())
}

/// The same, and not empty.
pub(crate) fn filled(what: &str, text: &str, most: usize) -> Result<(), Stop> {
    line(what, text, most)?;
    if text.is_empty() {
        return Err(Stop::output(format_args!("{what}: empty")));
    }
    Ok(())
}

/// A line if there is one.
pub(crate) fn optional_line(what: &str, text: Option<&str>, most: usize) -> Result<(), Stop> {
    text.map_or(Ok(()), |text| line(what, text, most))
}

/// A name of 1 to `most` ASCII characters, each a letter, digit or in `others`.
pub(crate) fn name(what: &str, text: &str, most: usize, others: &str) -> Result<(), Stop> {
    size(what, text.len(), most)?;
    let fits = |character: char| character.is_ascii_alphanumeric() || others.contains(character);
    if text.is_empty() || !text.chars().all(fits) {
        return Err(Stop::output(format_args!("{what}: {:?} is no name", shortened(text))));
    }
    Ok(())
}

/// A reason code: lower-case words of letters, digits and hyphens, joined by dots, two at least.
pub(crate) fn code(what: &str, text: &str) -> Result<(), Stop> {
    size(what, text.len(), 64)?;
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    if !text.contains('.') || !text.split('.').all(is_word) {
        return Err(Stop::output(format_args!("{what}: {:?} is no code", shortened(text))));
    }
    Ok(())
}

/// A media type in lower case without parameters.
pub(crate) fn media_type(what: &str, text: &str) -> Result<(), Stop> {
    let is_token = |token: &str| {
        !token.is_empty()
            && token.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'+' | b'-' | b'_'))
    };
    match text.split_once('/') {
        Some((kind, subtype)) if text.len() <= 128 && is_token(kind) && is_token(subtype) => Ok(()),
        _ => Err(Stop::output(format_args!("{what}: {:?} is no media type", shortened(text)))),
    }
}

/// An absolute http or https URL of visible ASCII characters (RFC 3986), without user information.
pub(crate) fn url(what: &str, text: &str, most: usize) -> Result<(), Stop> {
    size(what, text.len(), most)?;
    let refused =
        || Stop::output(format_args!("{what}: {:?} is no absolute http or https URL", shortened(text)));
    let allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or_else(refused)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains('@') || !text.bytes().all(allowed) {
        return Err(refused());
    }
    Ok(())
}

/// No two are the same.
pub(crate) fn distinct<T: Hash + Eq>(what: &str, items: impl IntoIterator<Item = T>) -> Result<(), Stop> {
    let mut seen = HashSet::new();
    if !items.into_iter().all(|item| seen.insert(item)) {
        return Err(Stop::output(format_args!("{what}: twice the same")));
    }
    Ok(())
}

/// A JSON object.
pub(crate) fn json_object(what: &str, text: &str, most: usize) -> Result<(), Stop> {
    size(what, text.len(), most)?;
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text)
        .map(drop)
        .map_err(|error| Stop::output(format_args!("{what}: no JSON object: {error}")))
}

/// The beginning of a text, for an error message.
fn shortened(text: &str) -> &str {
    let end = text.char_indices().nth(60).map_or(text.len(), |(index, _)| index);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for good in ["https://a/", "http://127.0.0.1:8080/cb?x=%20#f", "https://a", "https://[::1]:1/"] {
            assert!(url("u", good, 100).is_ok(), "{good}");
        }
        for bad in [
            "",
            "javascript:alert(1)",
            "//evil.example/",
            "/relative",
            "https:///path",
            "https://?q",
            "https://good.example@evil.example/",
            "https://a/\r\nset-cookie: x",
            "https://a/ b",
            "https://a/ü",
            "https://a\\b/",
            "HTTPS://a/",
            "data:text/html,x",
        ] {
            assert!(url("u", bad, 100).is_err(), "{bad}");
        }
        assert!(url("u", &format!("https://a/{}", "x".repeat(100)), 100).is_err());
    }

    #[test]
    fn codes() {
        for good in ["saml.destination.mismatch", "a.b", "oauth2.client-id.unknown"] {
            assert!(code("c", good).is_ok(), "{good}");
        }
        for bad in ["", "saml", "saml.", ".saml", "Saml.x", "a b.c", "a.b\n", "a..b"] {
            assert!(code("c", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn media_types() {
        assert!(media_type("m", "application/x-www-form-urlencoded").is_ok());
        for bad in ["", "text", "text/", "/x", "Text/XML", "text/xml; charset=utf-8", "a/b/c", "text/x\n"] {
            assert!(media_type("m", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lines_and_names() {
        assert!(line("l", "größer", 100).is_ok());
        assert!(line("l", "a\nb", 100).is_err());
        assert!(line("l", "a\u{85}b", 100).is_err());
        assert!(line("l", "aaaa", 3).is_err());
        assert!(filled("l", "", 3).is_err());
        assert!(name("n", "saml2", 32, "-").is_ok());
        assert!(name("n", "", 32, "-").is_err());
        assert!(name("n", "../x", 32, "-").is_err());
        // The host's own signer is no module.
        assert!(name("n", "edge.feed", 32, "-").is_err());
        assert!(distinct("d", ["a", "b"]).is_ok());
        assert!(distinct("d", ["a", "a"]).is_err());
        assert!(json_object("j", r#"{"a":1}"#, 100).is_ok());
        assert!(json_object("j", "[]", 100).is_err());
        assert!(json_object("j", r#"{"a":1} x"#, 100).is_err());
    }
}

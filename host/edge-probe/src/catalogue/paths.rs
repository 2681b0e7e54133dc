//! Spellings that one reader takes for an open path and the next one for another.

use super::{Entry, Target, entry, get};

/// Put after the open path, or before `/carbon` or `/admin`.
const AFTER: [(&str, &str, &str); 24] = [
    ("dot-segments", "/../carbon", "dot segments lead out of an open path"),
    ("dot-segment", "/./", "a dot segment"),
    ("dot-dot-semicolon", "/..;/carbon", "path confusion with matrix parameters (CVE-2026-73511 and others)"),
    ("dot-dot-semicolon-name", "/..;a=b/carbon", "the same with a name"),
    ("matrix-parameter", ";jsessionid=1", "a matrix parameter"),
    ("encoded-dots", "/%2e%2e/carbon", "encoded dot segments"),
    ("encoded-dots-capitals", "/%2E%2E/carbon", "encoded dot segments"),
    ("half-encoded-dots", "/.%2e/carbon", "half encoded dot segments"),
    ("double-encoded-dots", "/%252e%252e/carbon", "dot segments, encoded twice"),
    ("encoded-slash", "%2f..%2fcarbon", "encoded slashes"),
    ("encoded-slash-capitals", "%2F..%2Fcarbon", "encoded slashes"),
    ("double-encoded-slash", "%252f..%252fcarbon", "slashes, encoded twice"),
    ("backslash", "\\..\\carbon", "backslashes"),
    ("encoded-backslash", "%5c..%5ccarbon", "encoded backslashes"),
    ("encoded-semicolon", "/..%3b/carbon", "an encoded matrix parameter"),
    ("encoded-nul", "%00.css", "NUL cuts the path"),
    ("encoded-line", "%0d%0aX-Injected:%20yes", "an encoded line break"),
    ("overlong", "/%c0%ae%c0%ae/carbon", "dots in overlong UTF-8"),
    ("wide", "/%u002e%u002e/carbon", "dots as IIS writes them"),
    ("full-width", "/%ef%bc%8e%ef%bc%8e/carbon", "full-width dots"),
    ("doubled-slash", "//carbon", "a doubled slash"),
    ("trailing-slash", "/", "another path to exact readers, the same to others"),
    ("extension", ".css", "an extension that caches and filters let through"),
    ("escape-broken", "%zz", "no escape"),
];

/// In place of the open path.
const INSTEAD: [(&str, &str, &str); 6] = [
    ("doubled-slash-first", "//carbon", "a path that looks like an authority"),
    ("dot-first", "/./carbon", "a dot segment first"),
    ("dots-first", "/../carbon", "dot segments above the root"),
    ("semicolon-first", "/;/carbon", "an empty segment with a matrix parameter"),
    ("encoded-letter", "/%63arbon", "an encoded letter"),
    ("root", "/", "the root"),
];

pub(super) fn entries(target: &Target) -> Vec<Entry> {
    let open = &target.open;
    let mut all: Vec<Entry> = AFTER
        .iter()
        .map(|(name, after, why)| entry("path", name, why, get(target, &format!("{open}{after}"), "")))
        .collect();
    all.extend(INSTEAD.iter().map(|(name, path, why)| entry("path", name, why, get(target, path, ""))));
    let capitals = open.to_ascii_uppercase();
    if capitals != *open {
        all.push(entry("path", "capitals", "letters in the other case", get(target, &capitals, "")));
    }
    let mut encoded = String::new();
    for (index, character) in open.char_indices() {
        match (index, character) {
            (1, character) if character.is_ascii_alphanumeric() => {
                encoded += &format!("%{:02x}", u32::from(character));
            }
            (_, character) => encoded.push(character),
        }
    }
    if encoded != *open {
        let why = "an open path with a needless escape";
        all.push(entry("path", "needless-escape", why, get(target, &encoded, "")));
    }
    all
}

//! Documents that parsers have fallen for, and how the bindings write them.

use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;

/// A document that no guard may let pass.
pub(super) struct Hostile {
    pub(super) name: &'static str,
    pub(super) why: &'static str,
    pub(super) xml: Vec<u8>,
}

/// The document of `message`, which is given what stands before its root and what stands first within.
pub(super) fn hostile(message: &dyn Fn(&str, &str) -> String) -> Vec<Hostile> {
    let of = |name, why, xml: String| Hostile { name, why, xml: xml.into_bytes() };
    let expansion = "<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>";
    let external = "<!DOCTYPE a [<!ENTITY a SYSTEM 'file:///etc/hostname'>]>";
    let parameter = "<!DOCTYPE a [<!ENTITY % a SYSTEM 'http://nobody.invalid/a.dtd'>%a;]>";
    let attributes = (0..2_000).map(|index| format!(" a{index}=''")).collect::<String>();
    vec![
        of("entity-expansion", "an entity that expands", message(expansion, "&b;")),
        of("entity-external", "a file by an external entity", message(external, "&a;")),
        of("entity-parameter", "a document type from elsewhere", message(parameter, "")),
        of("doctype", "a document type without a use", message("<!DOCTYPE a>", "")),
        of(
            "instruction",
            "a processing instruction",
            message("", "<?xml-stylesheet href='http://nobody.invalid/'?>"),
        ),
        of("depth", "deep nesting", format!("{}{}", "<a>".repeat(3_000), "</a>".repeat(3_000))),
        of("attributes", "many attributes", format!("<a{attributes}/>")),
        of("not-xml", "no XML", "postern".to_owned()),
        of("cut", "half a document", message("", "").chars().take(80).collect()),
        of("two-roots", "two documents in one", message("", "") + &message("", "")),
        of("empty", "no document", String::new()),
    ]
}

/// A message in a form (SAML bindings section 3.5).
pub(super) fn posted(xml: &[u8]) -> String {
    escaped(&BASE64_STANDARD.encode(xml))
}

/// A message in a query (SAML bindings section 3.4), not yet escaped.
pub(super) fn deflated(message: &[u8]) -> String {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    // Writing to memory can't fail.
    let _ = encoder.write_all(message);
    BASE64_STANDARD.encode(encoder.finish().unwrap_or_default())
}

/// As a value of a query or a form.
pub(super) fn escaped(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    value
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

//! A message that real software signed, signed anew: its own form of the signature stays, with
//! prefixes, order and line breaks; digest, signature value and nothing else are computed again.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bergshamra_c14n::{C14nMode, canonicalize};
use serde::Deserialize;

use crate::template::Values;
use crate::xml_signature::{DSIG, algorithm_uri, digest_of, sign};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenewedSignature {
    key: String,
}

/// What software signs with here, by name.
const METHODS: [&str; 4] = ["rsa-sha256", "rsa-sha384", "rsa-sha512", "ecdsa-sha256"];

/// The document with its one enveloped signature made by that key.
pub(crate) fn renew(signature: &RenewedSignature, document: &str, values: &Values<'_>) -> String {
    let (start, end, prefix) =
        element(document, "Signature").unwrap_or_else(|| values.fail("there is no signature to renew"));
    let content = format!("{}{}", &document[..start], &document[end..]);
    let old = &document[start..end];
    let digest = ["sha256", "sha512"]
        .into_iter()
        .filter_map(|name| digest_of(name, &canonical(&content, values)))
        .find(|(uri, _)| old.contains(uri))
        .unwrap_or_else(|| values.fail("the digest's algorithm is unknown"));
    let renewed = with_text(old, "DigestValue", &STANDARD.encode(digest.1), values);
    let method = METHODS
        .into_iter()
        .find(|name| renewed.contains(&format!("\"{}\"", algorithm_uri(name, values))))
        .unwrap_or_else(|| values.fail("the signature's algorithm is unknown"));
    let (from, to, _) = element(&renewed, "SignedInfo").unwrap_or_else(|| values.fail("no SignedInfo"));
    let signed_info = declaring(&renewed[from..to], &prefix);
    let value = sign(&signature.key, method, &canonical(&signed_info, values), values);
    let renewed = with_text(&renewed, "SignatureValue", &STANDARD.encode(value), values);
    format!("{}{renewed}{}", &document[..start], &document[end..])
}

fn canonical(document: &str, values: &Values<'_>) -> Vec<u8> {
    canonicalize::<&str>(document, C14nMode::Exclusive, None, &[])
        .unwrap_or_else(|error| values.fail(&format!("can't canonicalise {document}: {error}")))
}

/// Where the first element of that local name begins and ends, and its prefix with the colon.
fn element(text: &str, local: &str) -> Option<(usize, usize, String)> {
    text.match_indices('<').find_map(|(start, _)| {
        let name = text[start + 1..].split([' ', '>', '/', '\n']).next()?;
        let prefix = name.strip_suffix(local).filter(|prefix| prefix.is_empty() || prefix.ends_with(':'))?;
        let close = format!("</{name}>");
        let end = start + text[start..].find(&close)? + close.len();
        Some((start, end, prefix.to_owned()))
    })
}

/// The element with the declaration that it takes from its parents.
fn declaring(element: &str, prefix: &str) -> String {
    let attribute = match prefix.strip_suffix(':') {
        Some(prefix) => format!(" xmlns:{prefix}=\"{DSIG}\""),
        None => format!(" xmlns=\"{DSIG}\""),
    };
    if element.split('>').next().is_some_and(|tag| tag.contains(&attribute)) {
        return element.to_owned();
    }
    element.replacen("SignedInfo", &format!("SignedInfo{attribute}"), 1)
}

/// The text of that element replaced, in lines as long as the old ones.
fn with_text(signature: &str, local: &str, text: &str, values: &Values<'_>) -> String {
    let (start, end, _) =
        element(signature, local).unwrap_or_else(|| values.fail(&format!("there is no {local}")));
    let inner = &signature[start..end];
    let (Some(open), Some(close)) = (inner.find('>'), inner.rfind("</")) else {
        values.fail(&format!("{local} is empty"));
    };
    let old = &inner[open + 1..close];
    let width = old.trim().find('\n').unwrap_or(usize::MAX);
    let lines: Vec<String> =
        text.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let (before, after) = old.split_once(old.trim()).unwrap_or_default();
    let replaced = format!("{}{before}{}{after}{}", &inner[..=open], lines.join("\n"), &inner[close..]);
    format!("{}{replaced}{}", &signature[..start], &signature[end..])
}

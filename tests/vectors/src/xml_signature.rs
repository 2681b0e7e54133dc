//! XML signatures and signed query strings, good and bad.
//!
//! Written from the specifications and on its own, so that a mistake in `postern-xml` can't hide
//! behind the same mistake here; a test has xmlsec1 check what comes out.
use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bergshamra_c14n::{C14nMode, canonicalize};
use serde::Deserialize;

use crate::keys::Keys;
use crate::steps::percent_encode;
use crate::template::Values;

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub(crate) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct EnvelopedSignature {
    key: String,
    algorithm: String,
    #[serde(default = "sha256")]
    digest: String,
    reference: Option<String>,
    #[serde(default = "issuer")]
    after: String,
    #[serde(default = "exclusive")]
    canonicalization: String,
    /// URIs, in place of enveloped-signature and the canonicalization.
    transforms: Option<Vec<String>>,
    /// Claimed in place of the digest's own.
    digest_uri: Option<String>,
    /// Whether the reference stands there twice.
    #[serde(default)]
    second_reference: bool,
    key_info: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct DetachedSignature {
    key: String,
    algorithm: String,
}

fn sha256() -> String {
    "sha256".into()
}

fn issuer() -> String {
    "</saml:Issuer>".into()
}

fn exclusive() -> String {
    EXCLUSIVE.into()
}

/// The element, whose root has an `ID`, signed by that key: `ds:Signature` comes after the first
/// `after`. For what a test makes itself, such as a Response forged with a key of nobody's.
///
/// # Panics
/// When the element can't be signed.
pub fn sign_enveloped(keys: &Keys, key: &str, element: &str, after: &str) -> String {
    let signature = EnvelopedSignature {
        key: key.into(),
        algorithm: "rsa-sha256".into(),
        digest: sha256(),
        reference: None,
        after: after.into(),
        canonicalization: exclusive(),
        transforms: None,
        digest_uri: None,
        second_reference: false,
        key_info: None,
    };
    let parts = BTreeMap::new();
    envelop(&signature, element, &Values::new("an element", keys, 0, "", 0, &parts))
}

/// The element with an enveloped signature (XML Signature, SAML core section 5.4).
pub(crate) fn envelop(signature: &EnvelopedSignature, element: &str, values: &Values<'_>) -> String {
    let mode = C14nMode::from_uri(&signature.canonicalization)
        .unwrap_or_else(|| values.fail(&format!("unknown canonicalization {}", signature.canonicalization)));
    let canonical = canonicalize::<&str>(element, mode, None, &[])
        .unwrap_or_else(|error| values.fail(&format!("can't canonicalise {element}: {error}")));
    let (digest_uri, digest_value) = digest_of(&signature.digest, &canonical)
        .unwrap_or_else(|| values.fail(&format!("unknown digest {}", signature.digest)));
    let reference = signature.reference.as_ref().map_or_else(
        || format!("#{}", identifier(element).unwrap_or_else(|| values.fail("the element has no ID"))),
        |reference| values.expand_text(reference),
    );
    let transforms = signature
        .transforms
        .clone()
        .unwrap_or_else(|| vec![ENVELOPED.into(), signature.canonicalization.clone()])
        .iter()
        .map(|uri| format!("<ds:Transform Algorithm=\"{uri}\"></ds:Transform>"))
        .collect::<String>();
    let reference = format!(
        "<ds:Reference URI=\"{reference}\"><ds:Transforms>{transforms}</ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{digest_uri}\"></ds:DigestMethod>\
         <ds:DigestValue>{digest_value}</ds:DigestValue></ds:Reference>",
        digest_uri = signature.digest_uri.as_deref().unwrap_or(digest_uri),
        digest_value = STANDARD.encode(digest_value),
    );
    // In canonical form already: this very text is what is signed and what stands in the document.
    let signed_info = format!(
        "<ds:SignedInfo xmlns:ds=\"{DSIG}\">\
         <ds:CanonicalizationMethod Algorithm=\"{canonicalization}\"></ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"{method}\"></ds:SignatureMethod>\
         {references}</ds:SignedInfo>",
        canonicalization = signature.canonicalization,
        method = algorithm_uri(&signature.algorithm, values),
        references = reference.repeat(if signature.second_reference { 2 } else { 1 }),
    );
    let signature_value = sign(&signature.key, &signature.algorithm, signed_info.as_bytes(), values);
    let key_info = signature.key_info.as_ref().map_or_else(String::new, |content| {
        format!("<ds:KeyInfo>{}</ds:KeyInfo>", values.expand_text(content))
    });
    let inserted = format!(
        "{after}<ds:Signature xmlns:ds=\"{DSIG}\">{signed_info}\
         <ds:SignatureValue>{}</ds:SignatureValue>{key_info}</ds:Signature>",
        STANDARD.encode(signature_value),
        after = signature.after,
    );
    if !element.contains(&signature.after) {
        values.fail(&format!("no {} to put the signature after", signature.after));
    }
    element.replacen(&signature.after, &inserted, 1)
}

/// The query string with `SigAlg` and `Signature` (SAML bindings section 3.4.4.1).
pub(crate) fn detach(signature: &DetachedSignature, query: &str, values: &Values<'_>) -> String {
    let algorithm = algorithm_uri(&signature.algorithm, values);
    let signed = format!("{query}&SigAlg={}", percent_encode(algorithm.as_bytes()));
    let bytes = sign(&signature.key, &signature.algorithm, signed.as_bytes(), values);
    format!("{signed}&Signature={}", percent_encode(STANDARD.encode(bytes).as_bytes()))
}

pub(crate) fn sign(key: &str, algorithm: &str, message: &[u8], values: &Values<'_>) -> Vec<u8> {
    values
        .keys
        .get(key)
        .unwrap_or_else(|| values.fail(&format!("unknown key {key}")))
        .sign_xml(algorithm, message)
        .unwrap_or_else(|| values.fail(&format!("{key} can't sign {algorithm}")))
}

pub(crate) fn algorithm_uri(name: &str, values: &Values<'_>) -> &'static str {
    match name {
        "rsa-sha1" => "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "rsa-sha256" => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "rsa-sha384" => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
        "rsa-sha512" => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        "ecdsa-sha256" => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        _ => values.fail(&format!("unknown algorithm {name}")),
    }
}

pub(crate) fn digest_of(name: &str, message: &[u8]) -> Option<(&'static str, Vec<u8>)> {
    let (uri, algorithm) = match name {
        "sha1" => ("http://www.w3.org/2000/09/xmldsig#sha1", &SHA1_FOR_LEGACY_USE_ONLY),
        "sha256" => ("http://www.w3.org/2001/04/xmlenc#sha256", &SHA256),
        "sha512" => ("http://www.w3.org/2001/04/xmlenc#sha512", &SHA512),
        _ => return None,
    };
    Some((uri, digest(algorithm, message).as_ref().to_vec()))
}

/// The value of the first `ID` attribute, in either kind of quotes.
fn identifier(element: &str) -> Option<&str> {
    let value = element.split_once(" ID=").map(|(_, rest)| rest)?;
    let quote = value.chars().next().filter(|quote| ['\'', '"'].contains(quote))?;
    value[1..].split_once(quote).map(|(identifier, _)| identifier)
}

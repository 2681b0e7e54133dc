//! How a part is made.
use std::io::Write as _;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::{DeflateEncoder, ZlibEncoder};
use serde::Deserialize;

use crate::jwt::{self, JwtSignature};
use crate::template::Values;
use crate::webauthn::{self, WebauthnSignature};
use crate::xml_encryption::{self, Encryption};
use crate::xml_signature::{self, DetachedSignature, EnvelopedSignature};
use crate::xml_signature_renewal::{self, RenewedSignature};

/// One step of a pipeline.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Step {
    Text(Text),
    Hex(String),
    Repeat(Repeat),
    Replace(Replace),
    Truncate(usize),
    Lines(Lines),
    SignXmlEnveloped(EnvelopedSignature),
    RenewXmlSignature(RenewedSignature),
    /// The part becomes an EncryptedAssertion.
    EncryptXml(Encryption),
    SignQueryDetached(DetachedSignature),
    SignJwt(JwtSignature),
    /// Of the part, as WebAuthn carries it.
    SignWebauthn(WebauthnSignature),
    /// Appends the public key of that name.
    CoseKey(String),
    /// The part as a byte string of CBOR.
    CborBytes,
    /// The part's digest, which names the source of an artifact.
    Sha1,
    Deflate,
    Zlib,
    Sha256,
    Base64,
    Base64url,
    PercentEncode,
    PercentEncodeLowercase,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Text {
    One(String),
    Many(Vec<String>),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repeat {
    text: String,
    count: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replace {
    from: String,
    to: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lines {
    width: usize,
    r#break: String,
}

/// What the steps make, one after the other.
pub(crate) fn run(steps: &[Step], values: &Values<'_>) -> Vec<u8> {
    steps.iter().fold(Vec::new(), |part, step| apply(step, part, values))
}

fn apply(step: &Step, mut part: Vec<u8>, values: &Values<'_>) -> Vec<u8> {
    match step {
        Step::Text(Text::One(text)) => part.extend(values.expand(text)),
        Step::Text(Text::Many(texts)) => part.extend(values.expand(&texts.concat())),
        Step::Hex(digits) => part.extend(
            hex::decode(digits).unwrap_or_else(|error| values.fail(&format!("hex {digits}: {error}"))),
        ),
        Step::Repeat(repeat) => part.extend(values.expand(&repeat.text).repeat(repeat.count)),
        Step::Replace(Replace { from, to }) => {
            return replace(&part, &values.expand(from), &values.expand(to))
                .unwrap_or_else(|| values.fail(&format!("nothing to replace: {from}")));
        }
        Step::Truncate(length) => part.truncate(*length),
        Step::Lines(Lines { width, r#break }) => {
            let lines: Vec<&[u8]> = part.chunks((*width).max(1)).collect();
            return lines.join(r#break.as_bytes());
        }
        Step::SignXmlEnveloped(signature) => {
            return xml_signature::envelop(signature, &text(part, values), values).into();
        }
        Step::RenewXmlSignature(signature) => {
            return xml_signature_renewal::renew(signature, &text(part, values), values).into();
        }
        Step::EncryptXml(encryption) => return xml_encryption::encrypt(encryption, &part, values).into(),
        Step::SignQueryDetached(signature) => {
            return xml_signature::detach(signature, &text(part, values), values).into();
        }
        Step::SignJwt(signature) => return jwt::sign(signature, &part, values).into(),
        Step::SignWebauthn(signature) => return webauthn::sign(signature, &part, values),
        Step::CoseKey(name) => part.extend(webauthn::cose_key(name, values)),
        Step::CborBytes => return webauthn::cbor_bytes(&part),
        Step::Sha1 => return digest(&SHA1_FOR_LEGACY_USE_ONLY, &part).as_ref().to_vec(),
        Step::Deflate => {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            return encoder
                .write_all(&part)
                .and_then(|()| encoder.finish())
                .unwrap_or_else(|error| values.fail(&format!("deflate: {error}")));
        }
        Step::Zlib => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            return encoder
                .write_all(&part)
                .and_then(|()| encoder.finish())
                .unwrap_or_else(|error| values.fail(&format!("zlib: {error}")));
        }
        Step::Sha256 => return digest(&SHA256, &part).as_ref().to_vec(),
        Step::Base64 => return STANDARD.encode(part).into(),
        Step::Base64url => return URL_SAFE_NO_PAD.encode(part).into(),
        Step::PercentEncode => return percent_encode(&part).into(),
        Step::PercentEncodeLowercase => return percent_encode_lowercase(&part).into(),
    }
    part
}

fn text(part: Vec<u8>, values: &Values<'_>) -> String {
    String::from_utf8(part).unwrap_or_else(|_| values.fail("only text can be signed"))
}

/// None when there is nothing to replace.
fn replace(part: &[u8], from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    let mut replaced = Vec::with_capacity(part.len());
    let mut found = false;
    let mut at = 0;
    while at < part.len() {
        if !from.is_empty() && part[at..].starts_with(from) {
            replaced.extend_from_slice(to);
            at += from.len();
            found = true;
        } else {
            replaced.push(part[at]);
            at += 1;
        }
    }
    found.then_some(replaced)
}

/// All but RFC 3986's unreserved characters, with upper-case digits.
pub(crate) fn percent_encode(bytes: &[u8]) -> String {
    encode_with(bytes, |byte| format!("%{byte:02X}"))
}

fn percent_encode_lowercase(bytes: &[u8]) -> String {
    encode_with(bytes, |byte| format!("%{byte:02x}"))
}

fn encode_with(bytes: &[u8], escape: impl Fn(u8) -> String) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len()), |mut encoded, &byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            encoded.push_str(&escape(byte));
        }
        encoded
    })
}

//! An EncryptedAssertion (SAML core section 2.3.4, XML Encryption 1.1): taken apart, and handed to who has
//! the key.
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use postern_refusal::Refusal;
use postern_xml::{Element, without_whitespace};

use super::response::{XENC, wrong};
use crate::names::DSIG;

const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";
const ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const CODE: &str = "saml.encryption.structure";
/// Largest wrapped key: RSA of 8,192 bits.
const MAX_KEY: usize = 1_024;

/// How the content key is wrapped (XML Encryption 1.1 section 5.5). PKCS #1 v1.5 is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTransport {
    /// `rsa-oaep-mgf1p` with SHA-1, which every toolkit writes. OAEP needs no collision resistance.
    RsaOaepSha1,
    /// `rsa-oaep` with SHA-256, and MGF1 with SHA-256.
    RsaOaepSha256,
}

/// How the content is encrypted (section 5.2). CBC is not among them: it authenticates nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentCipher {
    /// AES-128-GCM.
    Aes128Gcm,
    /// AES-256-GCM.
    Aes256Gcm,
}

/// What is to be decrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedContent {
    /// How `key` is wrapped.
    pub transport: KeyTransport,
    /// The wrapped content key.
    pub key: Vec<u8>,
    /// How `content` is encrypted.
    pub cipher: ContentCipher,
    /// Nonce of 12 bytes, ciphertext, tag of 16 bytes.
    pub content: Vec<u8>,
}

/// Has the private key.
pub trait Decryptor {
    /// The content, or None when it is not for this key, or was changed.
    fn decrypt(&self, encrypted: &EncryptedContent) -> Option<Vec<u8>>;
}

/// Takes an EncryptedAssertion apart, whose Response is signed.
///
/// # Errors
/// `saml.encryption.structure`, `saml.encryption.algorithm`.
pub(super) fn encrypted_content(assertion: &Element) -> Result<EncryptedContent, Refusal> {
    let data = only(assertion, XENC, "EncryptedData")?;
    if data.attribute("Type").is_some_and(|kind| kind != ELEMENT) {
        return Err(wrong(CODE, "EncryptedData", "the type of an element"));
    }
    let (method, _) = method(data)?;
    let cipher = match method {
        "http://www.w3.org/2009/xmlenc11#aes128-gcm" => ContentCipher::Aes128Gcm,
        "http://www.w3.org/2009/xmlenc11#aes256-gcm" => ContentCipher::Aes256Gcm,
        other => return Err(unsupported("aes128-gcm or aes256-gcm", other)),
    };
    // In the KeyInfo, or beside the data (SAML errata E43).
    let inside =
        data.elements_named(DSIG, "KeyInfo").flat_map(|info| info.elements_named(XENC, "EncryptedKey"));
    let mut keys = inside.chain(assertion.elements_named(XENC, "EncryptedKey"));
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err(wrong(CODE, "EncryptedKey", "one, for us"));
    };
    Ok(EncryptedContent {
        transport: transport(key)?,
        key: value(key, MAX_KEY)?,
        cipher,
        content: value(data, usize::MAX)?,
    })
}

fn transport(key: &Element) -> Result<KeyTransport, Refusal> {
    let (method, element) = method(key)?;
    let named = |namespace, local| {
        let mut named = element.elements_named(namespace, local);
        let algorithm = named.next().map(|one| one.attribute("Algorithm").unwrap_or_default());
        if named.next().is_some() { Err(wrong(CODE, local, "one at most")) } else { Ok(algorithm) }
    };
    let digest = named(DSIG, "DigestMethod")?.unwrap_or(SHA1);
    let mask = named(XENC11, "MGF")?;
    if element.elements_named(XENC, "OAEPparams").next().is_some() {
        return Err(unsupported("OAEP without a label", "OAEPparams"));
    }
    match (method, digest, mask) {
        ("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", SHA1, None)
        | (
            "http://www.w3.org/2009/xmlenc11#rsa-oaep",
            SHA1,
            None | Some("http://www.w3.org/2009/xmlenc11#mgf1sha1"),
        ) => Ok(KeyTransport::RsaOaepSha1),
        (
            "http://www.w3.org/2009/xmlenc11#rsa-oaep",
            SHA256,
            Some("http://www.w3.org/2009/xmlenc11#mgf1sha256"),
        ) => Ok(KeyTransport::RsaOaepSha256),
        (method, ..) => Err(unsupported("rsa-oaep-mgf1p with SHA-1, or rsa-oaep with SHA-256 twice", method)),
    }
}

fn method(element: &Element) -> Result<(&str, &Element), Refusal> {
    let method = only(element, XENC, "EncryptionMethod")?;
    Ok((method.attribute("Algorithm").unwrap_or_default(), method))
}

fn value(element: &Element, most: usize) -> Result<Vec<u8>, Refusal> {
    let text = only(only(element, XENC, "CipherData")?, XENC, "CipherValue")?.text().unwrap_or_default();
    let bytes = BASE64_STANDARD.decode(without_whitespace(&text)).ok();
    let bytes = bytes.filter(|bytes| !bytes.is_empty() && bytes.len() <= most);
    bytes.ok_or_else(|| wrong(CODE, "CipherValue", "base64"))
}

fn only<'e>(element: &'e Element, namespace: &'e str, local: &'e str) -> Result<&'e Element, Refusal> {
    let mut named = element.elements_named(namespace, local);
    match (named.next(), named.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(wrong(CODE, local, "one")),
    }
}

fn unsupported(expected: &str, found: &str) -> Refusal {
    Refusal::incompatible("saml.encryption.algorithm").at("EncryptionMethod").expected(expected).found(found)
}

//! EncryptedAssertion, as toolkits write it.
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::template::Values;

/// Encrypts the part for a key.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Encryption {
    /// An RSA key's name.
    key: String,
    /// `aes128-gcm` or `aes256-gcm`.
    cipher: String,
    /// `rsa-oaep-mgf1p`, or `rsa-oaep` with SHA-256.
    transport: String,
    /// Whether the key stands beside the data in the place of inside.
    #[serde(default)]
    key_beside: bool,
}

const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";

pub(crate) fn encrypt(encryption: &Encryption, part: &[u8], values: &Values<'_>) -> String {
    let cipher = match encryption.cipher.as_str() {
        "aes128-gcm" => &AES_128_GCM,
        "aes256-gcm" => &AES_256_GCM,
        other => values.fail(&format!("no cipher {other}")),
    };
    let mut key = vec![0; cipher.key_len()];
    let mut nonce = [0; 12];
    rand::fill(&mut key).expect("randomness");
    rand::fill(&mut nonce).expect("randomness");
    let mut sealed = part.to_vec();
    LessSafeKey::new(UnboundKey::new(cipher, &key).expect("a key"))
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
        .expect("sealed");
    let content = STANDARD.encode([nonce.as_slice(), &sealed].concat());

    let known = values.keys.get(&encryption.key);
    let public = known.unwrap_or_else(|| values.fail(&format!("no key {}", encryption.key)));
    let public = PublicEncryptingKey::from_der(public.spki()).expect("an RSA key");
    let public = OaepPublicEncryptingKey::new(public).expect("an RSA key");
    let (oaep, method) = match encryption.transport.as_str() {
        "rsa-oaep-mgf1p" => {
            (&OAEP_SHA1_MGF1SHA1, format!("<xenc:EncryptionMethod Algorithm='{XENC}rsa-oaep-mgf1p'/>"))
        }
        "rsa-oaep" => (
            &OAEP_SHA256_MGF1SHA256,
            format!(
                "<xenc:EncryptionMethod Algorithm='{XENC11}rsa-oaep'>\
                 <ds:DigestMethod xmlns:ds='http://www.w3.org/2000/09/xmldsig#' Algorithm='{XENC}sha256'/>\
                 <xenc11:MGF xmlns:xenc11='{XENC11}' Algorithm='{XENC11}mgf1sha256'/></xenc:EncryptionMethod>"
            ),
        ),
        other => values.fail(&format!("no key transport {other}")),
    };
    let mut wrapped = vec![0; public.ciphertext_size()];
    let wrapped = public.encrypt(oaep, &key, &mut wrapped, None).expect("wrapped");
    let key = format!(
        "<xenc:EncryptedKey>{method}<xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData>\
         </xenc:EncryptedKey>",
        STANDARD.encode(wrapped)
    );
    let (inside, beside) = if encryption.key_beside { ("", key.as_str()) } else { (key.as_str(), "") };
    let inside = if inside.is_empty() {
        String::new()
    } else {
        format!("<ds:KeyInfo xmlns:ds='http://www.w3.org/2000/09/xmldsig#'>{inside}</ds:KeyInfo>")
    };
    format!(
        "<saml:EncryptedAssertion xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion' xmlns:xenc='{XENC}'>\
         <xenc:EncryptedData Type='{XENC}Element'><xenc:EncryptionMethod Algorithm='{XENC11}{}'/>{inside}\
         <xenc:CipherData><xenc:CipherValue>{content}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>\
         {beside}</saml:EncryptedAssertion>",
        encryption.cipher
    )
}

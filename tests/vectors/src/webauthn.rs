//! What an authenticator makes: keys as COSE, signatures, byte strings of CBOR.
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::template::Values;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebauthnSignature {
    key: String,
    algorithm: String,
}

/// WebAuthn section 6.5.6: ECDSA as DER, the others as they are.
pub(crate) fn sign(signature: &WebauthnSignature, message: &[u8], values: &Values<'_>) -> Vec<u8> {
    let WebauthnSignature { key, algorithm } = signature;
    let pair = values.keys.get(key).unwrap_or_else(|| values.fail(&format!("unknown key {key}")));
    let made = pair.sign_jwt(algorithm, message);
    let made = made.unwrap_or_else(|| values.fail(&format!("{key} can't sign {algorithm}")));
    match algorithm.as_str() {
        "ES256" => {
            let (r, s) = made.split_at(32);
            let numbers = [integer(r), integer(s)].concat();
            [vec![0x30, numbers.len() as u8], numbers].concat()
        }
        _ => made,
    }
}

/// DER of a number that is not negative.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
    let mut digits = bytes[start..].to_vec();
    if digits[0] >= 0x80 {
        digits.insert(0, 0);
    }
    [vec![2, digits.len() as u8], digits].concat()
}

/// RFC 9053 sections 2.1 and 2.2: P-256 and Ed25519.
pub(crate) fn cose_key(name: &str, values: &Values<'_>) -> Vec<u8> {
    let pair = values.keys.get(name).unwrap_or_else(|| values.fail(&format!("unknown key {name}")));
    let jwk: serde_json::Value = serde_json::from_str(&pair.jwk()).expect("JSON");
    let bytes = |member: &str| {
        let text = jwk[member].as_str().unwrap_or_else(|| values.fail(&format!("{name} has no {member}")));
        cbor_bytes(&URL_SAFE_NO_PAD.decode(text).expect("base64url"))
    };
    match jwk["kty"].as_str() {
        // kty 2, alg -7, crv 1; kty 1, alg -8, crv 6.
        Some("EC") => [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21][..], &bytes("x"), &[0x22], &bytes("y")].concat(),
        Some("OKP") => [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21][..], &bytes("x")].concat(),
        _ => values.fail(&format!("{name} is no key of a passkey here")),
    }
}

pub(crate) fn cbor_bytes(bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len();
    let head = match length {
        0..=23 => vec![0x40 | length as u8],
        24..=0xff => vec![0x58, length as u8],
        _ => [&[0x59][..], &(length as u16).to_be_bytes()].concat(),
    };
    [head, bytes.to_vec()].concat()
}

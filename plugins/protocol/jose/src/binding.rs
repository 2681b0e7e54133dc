//! Tokens that are bound to a key of their client (RFC 7800): what the client has to show.

use crate::access_token::AccessToken;
use crate::base64url;
use crate::dpop::DpopProof;
use crate::json::{Object, Value};
use postern_refusal::Refusal;
use subtle::ConstantTimeEq;

/// SHA-256 of a certificate in DER.
pub type CertificateDigest = [u8; 32];

/// Thumbprint of a key (RFC 9449 section 6.1).
const KEY: &str = "jkt";

/// Digest of a certificate (RFC 8705 section 3.1).
const CERTIFICATE: &str = "x5t#S256";

/// Whether a token may be presented like this. One that is bound to a key comes with a proof of that
/// key (RFC 9449 section 7.1); one that is bound to a certificate comes over a TLS connection whose
/// client showed that certificate (RFC 8705 section 3); one that is bound to both comes with both,
/// and one that is bound in a way that we can't check comes not at all (RFC 7800 section 3.1).
///
/// # Errors
/// `token.binding.unproven`, `token.binding.mismatch`, `token.binding.absent`,
/// `token.binding.unsupported` (401).
pub fn check_binding(
    token: &AccessToken,
    proof: Option<&DpopProof>,
    certificate: Option<&CertificateDigest>,
) -> Result<(), Refusal> {
    let none = Object::new();
    let cnf = match token.claims.get("cnf") {
        None => &none,
        Some(Value::Object(cnf)) if is_known(cnf) => cnf,
        Some(_) => {
            return Err(refused("token.binding.unsupported").expected("jkt or x5t#S256, or both"));
        }
    };
    match (cnf.get(KEY).and_then(Value::as_str), proof) {
        (None, None) => {}
        (None, Some(_)) => {
            return Err(refused("token.binding.absent").expected("a token that is bound to the proof's key"));
        }
        (Some(_), None) => return Err(refused("token.binding.unproven").expected("scheme DPoP and a proof")),
        (Some(bound), Some(proof)) => {
            demand_same(bound, &proof.thumbprint, "a proof of the key of the token")?
        }
    }
    match (cnf.get(CERTIFICATE).and_then(Value::as_str), certificate) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(refused("token.binding.unproven").expected("a client certificate")),
        (Some(bound), Some(digest)) => {
            demand_same(bound, &base64url::encode(digest), "the client certificate of the token")
        }
    }
}

/// Whether the token can be judged only with the client certificate at hand.
pub fn is_bound_to_certificate(token: &AccessToken) -> bool {
    matches!(token.claims.get("cnf"), Some(Value::Object(cnf)) if cnf.contains_key(CERTIFICATE))
}

/// The digest as a proxy writes it, in hexadecimal digits.
pub fn read_certificate_digest(hexadecimal: &[u8]) -> Option<CertificateDigest> {
    let (pairs, rest) = hexadecimal.as_chunks::<2>();
    let mut digest = CertificateDigest::default();
    if !rest.is_empty() || pairs.len() != digest.len() {
        return None;
    }
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?;
    }
    Some(digest)
}

fn is_known(cnf: &Object) -> bool {
    !cnf.is_empty()
        && cnf.iter().all(|(name, value)| [KEY, CERTIFICATE].contains(&name.as_str()) && value.is_string())
}

fn demand_same(bound: &str, shown: &str, expected: &str) -> Result<(), Refusal> {
    if bool::from(bound.as_bytes().ct_eq(shown.as_bytes())) {
        Ok(())
    } else {
        Err(refused("token.binding.mismatch").expected(expected))
    }
}

fn refused(code: &'static str) -> Refusal {
    Refusal::misbehaved(code).with_status(401).at("cnf")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_64_digits() {
        assert_eq!(
            read_certificate_digest("0aFf".repeat(16).as_bytes()),
            Some([[0x0a, 0xff]; 16].concat().try_into().unwrap())
        );
        for wrong in
            ["", "0", &"0".repeat(63), &"0".repeat(65), &"0g".repeat(32), &"+1".repeat(32), &"ä".repeat(32)]
        {
            assert_eq!(read_certificate_digest(wrong.as_bytes()), None, "{wrong}");
        }
    }
}

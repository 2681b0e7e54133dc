//! Envoy's foreign function `verify_signature`: its arguments and its answer as protobuf.
//!
//! `VerifySignatureArguments { string hash_function = 1; bytes public_key = 2; bytes signature
//! = 3; bytes text = 4; }`, `VerifySignatureResult { bool result = 1; string error = 2; }`.

use postern_signature::Algorithm;

use super::key::Key;

/// Its name.
#[cfg_attr(not(target_family = "wasm"), allow(dead_code))]
pub(super) const FUNCTION: &str = "verify_signature";

/// The arguments, or none for an algorithm that the function does not have, or a signature that
/// is not one (which RustCrypto then refuses).
pub(super) fn arguments(
    algorithm: Algorithm,
    key: &Key<'_>,
    message: &[u8],
    signature: &[u8],
) -> Option<Vec<u8>> {
    let ecdsa: Vec<u8>;
    let (hash, signature) = match algorithm {
        Algorithm::Rs256 => ("sha256", signature),
        Algorithm::Rs384 => ("sha384", signature),
        Algorithm::Rs512 => ("sha512", signature),
        Algorithm::Es256 => {
            ecdsa = p256::ecdsa::Signature::from_slice(signature).ok()?.to_der().as_bytes().to_vec();
            ("sha256", ecdsa.as_slice())
        }
        Algorithm::Es384 => {
            ecdsa = p384::ecdsa::Signature::from_slice(signature).ok()?.to_der().as_bytes().to_vec();
            ("sha384", ecdsa.as_slice())
        }
        Algorithm::Ps256 | Algorithm::EdDsa => return None,
    };
    let mut arguments = Vec::with_capacity(
        message.len().checked_add(key.spki.len())?.checked_add(signature.len())?.checked_add(32)?,
    );
    field(&mut arguments, 1, hash.as_bytes());
    field(&mut arguments, 2, key.spki);
    field(&mut arguments, 3, signature);
    field(&mut arguments, 4, message);
    Some(arguments)
}

/// Whether the answer is `result: true`, and nothing but that.
#[cfg_attr(not(target_family = "wasm"), allow(dead_code))]
pub(super) fn says_yes(answer: &[u8]) -> bool {
    answer == [1 << 3, 1]
}

/// Writes a length-delimited field.
fn field(out: &mut Vec<u8>, number: u8, content: &[u8]) {
    const LENGTH_DELIMITED: u8 = 2;
    out.push((number << 3) | LENGTH_DELIMITED);
    let mut length = content.len();
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push((length & 0x7f) as u8);
    out.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_varints() {
        let mut out = Vec::new();
        field(&mut out, 4, &[7; 300]);
        assert_eq!(out[..4], [0x22, 0xac, 0x02, 7]);
        assert_eq!(out.len(), 303);
    }

    #[test]
    fn only_a_plain_yes_is_one() {
        assert!(says_yes(&[8, 1]));
        assert!(!says_yes(&[]));
        assert!(!says_yes(&[8, 0]));
        assert!(!says_yes(&[8, 1, 8, 0]));
        assert!(!says_yes(b"\x12\x05wrong"));
    }
}

//! Public keys, read from their SubjectPublicKeyInfo and checked for strength.

use pkcs1::RsaPublicKey;
use postern_signature::{Algorithm, PublicKey, VerifyError};
use spki::ObjectIdentifier;
use spki::der::Decode;

use super::{MAX_RSA_BITS, MIN_RSA_BITS};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A key that fits its algorithm.
pub(super) struct Key<'a> {
    /// DER of the SubjectPublicKeyInfo.
    pub(super) spki: &'a [u8],
    /// The key itself: PKCS#1 DER, an uncompressed or compressed point, or 32 bytes of Ed25519.
    pub(super) bits: &'a [u8],
}

impl<'a> Key<'a> {
    pub(super) fn read(algorithm: Algorithm, key: &'a PublicKey) -> Result<Self, VerifyError> {
        let spki = key.spki();
        let info = spki::SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| VerifyError::UnfitKey)?;
        let bits = info.subject_public_key.as_bytes().ok_or(VerifyError::UnfitKey)?;
        let curve = || info.algorithm.parameters_oid().ok();
        let fits = match algorithm {
            Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 | Algorithm::Ps256 => {
                info.algorithm.oid == RSA && is_strong(bits)
            }
            Algorithm::Es256 => info.algorithm.oid == EC && curve() == Some(P256),
            Algorithm::Es384 => info.algorithm.oid == EC && curve() == Some(P384),
            Algorithm::EdDsa => info.algorithm.oid == ED25519 && bits.len() == 32,
        };
        if fits { Ok(Self { spki, bits }) } else { Err(VerifyError::UnfitKey) }
    }
}

/// A modulus of 2,048 to 4,096 bits that is odd, and an odd exponent from 3 to 2^32.
fn is_strong(pkcs1: &[u8]) -> bool {
    let Ok(key) = RsaPublicKey::from_der(pkcs1) else { return false };
    let modulus = key.modulus.as_bytes();
    let exponent = key.public_exponent.as_bytes();
    let bits = modulus.first().and_then(|first| {
        let leading = usize::try_from(first.leading_zeros()).ok()?;
        modulus.len().checked_mul(8)?.checked_sub(leading)
    });
    let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    bits.is_some_and(|bits| (MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits))
        && odd(modulus)
        && odd(exponent)
        && exponent.len() <= 4
        && exponent != [1]
}

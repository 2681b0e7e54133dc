//! Signatures of peers.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use postern_kernel::keys::PeerAlgorithm;
use spki::der::AnyRef;
use spki::{AlgorithmIdentifierRef, ObjectIdentifier, SubjectPublicKeyInfoRef};

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ED_25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Why a peer's signature is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotVerified {
    /// The key is not DER to its last byte, of another kind than the algorithm, or a compressed
    /// point: nothing was verified.
    UnfitKey,
    /// The signature is not of this key and message, or RSA has below 2,048 or above 8,192 bits.
    Mismatch,
}

/// Verifies a peer's signature: `spki` is a DER SubjectPublicKeyInfo, an ECDSA signature r||s.
///
/// # Errors
/// [`NotVerified`].
pub fn verify_signature(
    algorithm: PeerAlgorithm,
    spki: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), NotVerified> {
    let spki = SubjectPublicKeyInfoRef::try_from(spki).map_err(|_| NotVerified::UnfitKey)?;
    let key = spki.subject_public_key.as_bytes().ok_or(NotVerified::UnfitKey)?;
    if !is_key_of(algorithm, &spki.algorithm, key) {
        return Err(NotVerified::UnfitKey);
    }
    let key = UnparsedPublicKey::new(native(algorithm), key);
    key.verify(message, signature).map_err(|_| NotVerified::Mismatch)
}

/// The same, for callers that answer yes or no.
pub(crate) fn verify(algorithm: PeerAlgorithm, spki: &[u8], message: &[u8], signature: &[u8]) -> bool {
    verify_signature(algorithm, spki, message, signature).is_ok()
}

fn is_key_of(algorithm: PeerAlgorithm, found: &AlgorithmIdentifierRef<'_>, key: &[u8]) -> bool {
    match algorithm {
        PeerAlgorithm::Rs256 | PeerAlgorithm::Rs384 | PeerAlgorithm::Rs512 | PeerAlgorithm::Ps256 => {
            found.oid == RSA_ENCRYPTION && found.parameters == Some(AnyRef::NULL)
        }
        PeerAlgorithm::Es256 => is_point_on(P256, 32, found, key),
        PeerAlgorithm::Es384 => is_point_on(P384, 48, found, key),
        PeerAlgorithm::EdDsa => found.oid == ED_25519 && found.parameters.is_none() && key.len() == 32,
    }
}

/// An uncompressed point on the named curve, with coordinates of so many bytes.
fn is_point_on(
    curve: ObjectIdentifier,
    coordinate: usize,
    found: &AlgorithmIdentifierRef<'_>,
    key: &[u8],
) -> bool {
    found.oid == EC_PUBLIC_KEY
        && found.parameters_oid().is_ok_and(|oid| oid == curve)
        && key.first() == Some(&4)
        && key.len() == 1 + 2 * coordinate
}

fn native(algorithm: PeerAlgorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        PeerAlgorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        PeerAlgorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
        PeerAlgorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        PeerAlgorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        PeerAlgorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
        PeerAlgorithm::Es384 => &ECDSA_P384_SHA384_FIXED,
        PeerAlgorithm::EdDsa => &ED25519,
    }
}

#[cfg(test)]
mod tests;

//! Signatures, verified by the kernel.

use postern_authenticator::signatures;
use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};

/// What keys may be of.
pub(crate) const ALGORITHMS: [Algorithm; 3] = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256];

pub(crate) struct Kernel;

impl Verifier for Kernel {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let algorithm = match algorithm {
            Algorithm::Es256 => signatures::Algorithm::Es256,
            Algorithm::EdDsa => signatures::Algorithm::EdDsa,
            Algorithm::Rs256 => signatures::Algorithm::Rs256,
            _ => return Err(VerifyError::UnfitKey),
        };
        let is_good = signatures::verify(algorithm, key.spki(), message, signature);
        is_good.then_some(()).ok_or(VerifyError::Mismatch)
    }
}

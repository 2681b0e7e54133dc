//! Signatures, verified by the kernel.

use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};

use crate::bindings::postern::idp::signatures;

pub(crate) struct Kernel;

impl Verifier for Kernel {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let own = |algorithm| signatures::verify(algorithm, key.spki(), message, signature);
        let is_good = match algorithm {
            Algorithm::Es256 => own(signatures::Algorithm::Es256),
            Algorithm::EdDsa => own(signatures::Algorithm::EdDsa),
            Algorithm::Rs256 => own(signatures::Algorithm::Rs256),
            Algorithm::Ps256 => {
                let ps256 = signatures::FurtherAlgorithm::Ps256;
                signatures::verify_further(ps256, key.spki(), message, signature)
            }
            _ => return Err(VerifyError::UnfitKey),
        };
        is_good.then_some(()).ok_or(VerifyError::Mismatch)
    }
}

//! Signatures, verified by the kernel.

use postern_authenticator::signatures;
use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};

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
        let further = |algorithm| signatures::verify_further(algorithm, key.spki(), message, signature);
        let is_good = match algorithm {
            Algorithm::Es256 => own(signatures::Algorithm::Es256),
            Algorithm::EdDsa => own(signatures::Algorithm::EdDsa),
            Algorithm::Rs256 => own(signatures::Algorithm::Rs256),
            Algorithm::Rs384 => further(signatures::FurtherAlgorithm::Rs384),
            Algorithm::Rs512 => further(signatures::FurtherAlgorithm::Rs512),
            Algorithm::Ps256 => further(signatures::FurtherAlgorithm::Ps256),
            Algorithm::Es384 => further(signatures::FurtherAlgorithm::Es384),
        };
        is_good.then_some(()).ok_or(VerifyError::Mismatch)
    }
}

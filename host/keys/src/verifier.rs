//! What the rules ask for when they need a signature verified, natively.

use postern_kernel::keys::PeerAlgorithm;
use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};

use crate::{NotVerified, verify_signature};

/// The rules' [`Verifier`] outside WebAssembly, by [`verify_signature`].
#[derive(Clone, Copy, Debug, Default)]
pub struct NativeVerifier;

impl Verifier for NativeVerifier {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        verify_signature(peer(algorithm), key.spki(), message, signature).map_err(|failure| match failure {
            NotVerified::UnfitKey => VerifyError::UnfitKey,
            NotVerified::Mismatch => VerifyError::Mismatch,
        })
    }
}

fn peer(algorithm: Algorithm) -> PeerAlgorithm {
    match algorithm {
        Algorithm::Rs256 => PeerAlgorithm::Rs256,
        Algorithm::Rs384 => PeerAlgorithm::Rs384,
        Algorithm::Rs512 => PeerAlgorithm::Rs512,
        Algorithm::Ps256 => PeerAlgorithm::Ps256,
        Algorithm::Es256 => PeerAlgorithm::Es256,
        Algorithm::Es384 => PeerAlgorithm::Es384,
        Algorithm::EdDsa => PeerAlgorithm::EdDsa,
    }
}

//! Signatures of messages that are explained.

use postern_kernel::keys::PeerAlgorithm;
use postern_keys::{NotVerified, verify_signature};
use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};

/// Verification as the LAN does it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AwsVerifier;

impl Verifier for AwsVerifier {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let algorithm = match algorithm {
            Algorithm::Rs256 => PeerAlgorithm::Rs256,
            Algorithm::Rs384 => PeerAlgorithm::Rs384,
            Algorithm::Rs512 => PeerAlgorithm::Rs512,
            Algorithm::Ps256 => PeerAlgorithm::Ps256,
            Algorithm::Es256 => PeerAlgorithm::Es256,
            Algorithm::Es384 => PeerAlgorithm::Es384,
            Algorithm::EdDsa => PeerAlgorithm::EdDsa,
        };
        verify_signature(algorithm, key.spki(), message, signature).map_err(|failure| match failure {
            NotVerified::UnfitKey => VerifyError::UnfitKey,
            NotVerified::Mismatch => VerifyError::Mismatch,
        })
    }
}

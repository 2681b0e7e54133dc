//! The kernel's keys: it signs and verifies, nothing secret comes here.

use crate::bindings::{kernel, types};
use postern_jose::{Key, KeySet, SigningInput};
use postern_refusal::Refusal;
use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};

/// Verification by the kernel, which is native.
pub(crate) struct KernelVerifier;

impl Verifier for KernelVerifier {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let algorithm = match algorithm {
            Algorithm::Rs256 => kernel::PeerAlgorithm::Rs256,
            Algorithm::Rs384 => kernel::PeerAlgorithm::Rs384,
            Algorithm::Rs512 => kernel::PeerAlgorithm::Rs512,
            Algorithm::Ps256 => kernel::PeerAlgorithm::Ps256,
            Algorithm::Es256 => kernel::PeerAlgorithm::Es256,
            Algorithm::Es384 => kernel::PeerAlgorithm::Es384,
            Algorithm::EdDsa => kernel::PeerAlgorithm::EdDsa,
        };
        if kernel::verify(algorithm, key.spki(), message, signature) {
            Ok(())
        } else {
            Err(VerifyError::Mismatch)
        }
    }
}

/// All keys that tokens of ours may be signed with: the active ones and those before them.
pub(crate) fn own_keys() -> Result<KeySet, Refusal> {
    KeySet::new(kernel::published_keys().into_iter().map(own_key).collect()).map_err(ours)
}

fn own_key(key: kernel::PublicKey) -> Key {
    Key::new(&key.key_id, algorithm(key.algorithm), PublicKey::from_spki(key.spki))
}

pub(crate) fn algorithm(algorithm: types::Algorithm) -> Algorithm {
    match algorithm {
        types::Algorithm::Rs256 => Algorithm::Rs256,
        types::Algorithm::Es256 => Algorithm::Es256,
        types::Algorithm::EdDsa => Algorithm::EdDsa,
    }
}

/// Active keys by algorithm, looked up once for all tokens of an answer.
pub(crate) struct Signer {
    keys: Vec<kernel::PublicKey>,
}

impl Signer {
    pub(crate) fn new() -> Self {
        Self { keys: kernel::published_keys() }
    }

    /// The key id to put into a header.
    pub(crate) fn key_id(&self, wanted: Algorithm) -> Result<&str, Refusal> {
        let key = self.keys.iter().find(|key| key.active && algorithm(key.algorithm) == wanted);
        key.map(|key| key.key_id.as_str()).ok_or_else(|| {
            Refusal::internal("oidc.key.missing").at(wanted.jwa_name()).expected("an active key")
        })
    }

    /// The signed token.
    pub(crate) fn sign(&self, input: SigningInput) -> Result<String, Refusal> {
        let key_id = self.key_id(input.algorithm())?;
        let algorithm = match input.algorithm() {
            Algorithm::Rs256 => types::Algorithm::Rs256,
            Algorithm::Es256 => types::Algorithm::Es256,
            Algorithm::EdDsa => types::Algorithm::EdDsa,
            other => return Err(Refusal::internal("oidc.key.missing").at(other.jwa_name())),
        };
        let signature = kernel::sign(algorithm, input.as_bytes());
        if signature.key_id != key_id {
            return Err(Refusal::internal("oidc.key.changed").expected(key_id).found(&signature.key_id));
        }
        Ok(input.with_signature(&signature.bytes))
    }
}

/// What is wrong with our own keys is not the peer's fault.
fn ours(refusal: Refusal) -> Refusal {
    Refusal::internal("oidc.key.unusable").found(&refusal.to_string())
}

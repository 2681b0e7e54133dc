//! Signatures are verified and Assertions decrypted by the kernel.

use postern_saml::{ContentCipher, Decryptor, EncryptedContent, KeyTransport};
use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};

use crate::bindings::postern::idp::{own_keys, signatures};

pub(crate) struct Kernel;

impl Verifier for Kernel {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let further = |algorithm| signatures::verify_further(algorithm, key.spki(), message, signature);
        let own = |algorithm| signatures::verify(algorithm, key.spki(), message, signature);
        let is_good = match algorithm {
            Algorithm::Rs256 => own(signatures::Algorithm::Rs256),
            Algorithm::Es256 => own(signatures::Algorithm::Es256),
            Algorithm::EdDsa => own(signatures::Algorithm::EdDsa),
            Algorithm::Rs384 => further(signatures::FurtherAlgorithm::Rs384),
            Algorithm::Rs512 => further(signatures::FurtherAlgorithm::Rs512),
            Algorithm::Ps256 => further(signatures::FurtherAlgorithm::Ps256),
            Algorithm::Es384 => further(signatures::FurtherAlgorithm::Es384),
        };
        is_good.then_some(()).ok_or(VerifyError::Mismatch)
    }
}

impl Decryptor for Kernel {
    fn decrypt(&self, encrypted: &EncryptedContent) -> Option<Vec<u8>> {
        let transport = match encrypted.transport {
            KeyTransport::RsaOaepSha1 => own_keys::KeyTransport::RsaOaepSha1,
            KeyTransport::RsaOaepSha256 => own_keys::KeyTransport::RsaOaepSha256,
        };
        let cipher = match encrypted.cipher {
            ContentCipher::Aes128Gcm => own_keys::ContentCipher::Aes128Gcm,
            ContentCipher::Aes256Gcm => own_keys::ContentCipher::Aes256Gcm,
        };
        let (key, content) = (encrypted.key.clone(), encrypted.content.clone());
        own_keys::decrypt(&own_keys::Encrypted { transport, key, cipher, content })
    }
}

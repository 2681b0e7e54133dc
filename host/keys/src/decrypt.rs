//! What peers encrypt for us (XML Encryption 1.1): RSA-OAEP around a key of AES-GCM.

use core::fmt;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use postern_kernel::keys::{ContentCipher, EncryptedContent, KeyTransport, Opened};
use zeroize::Zeroizing;

/// Bytes of the nonce before the ciphertext (section 5.2.4).
const NONCE: usize = 12;

/// An RSA key that decrypts.
pub struct DecryptionKey(OaepPrivateDecryptingKey);

impl DecryptionKey {
    /// The key in this PKCS#8 encoding. `None`: it is no RSA key of 2,048 to 8,192 bits.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8).ok()?;
        OaepPrivateDecryptingKey::new(key).ok().map(Self)
    }

    /// The content. `None`: it is for another key, or was changed. Which of both is not told.
    pub fn open(&self, encrypted: &EncryptedContent) -> Option<Opened> {
        let algorithm = match encrypted.transport {
            KeyTransport::RsaOaepSha1 => &OAEP_SHA1_MGF1SHA1,
            KeyTransport::RsaOaepSha256 => &OAEP_SHA256_MGF1SHA256,
        };
        let mut room = Zeroizing::new(vec![0; self.0.key_size_bytes()]);
        let key = self.0.decrypt(algorithm, &encrypted.key, &mut room, None).ok()?;
        let cipher = match encrypted.cipher {
            ContentCipher::Aes128Gcm => &AES_128_GCM,
            ContentCipher::Aes256Gcm => &AES_256_GCM,
        };
        let key = LessSafeKey::new(UnboundKey::new(cipher, key).ok()?);
        let (nonce, sealed) = encrypted.content.split_at_checked(NONCE)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut content = Zeroizing::new(sealed.to_vec());
        let length = key.open_in_place(nonce, Aad::empty(), &mut content).ok()?.len();
        content.truncate(length);
        Some(content)
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecryptionKey")
    }
}

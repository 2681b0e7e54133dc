//! `own-keys`, answered by the kernel.

use postern_kernel::keys::{ContentCipher, EncryptedContent, KeyTransport};

use super::AuthenticatorState;
use super::bindings::postern::idp::own_keys;
use crate::bounds;
use crate::stop::Stop;

/// Most bytes of a message to sign.
const SIGNED: usize = 32 << 10;
/// Most bytes of a wrapped key: RSA of 8,192 bits.
const KEY: usize = 1 << 10;
/// Most bytes of encrypted content.
const CONTENT: usize = 128 << 10;

impl own_keys::Host for AuthenticatorState {
    fn sign(&mut self, message: Vec<u8>) -> wasmtime::Result<Vec<u8>> {
        let services = self.counted()?;
        self.asked("own-keys.sign", message.len());
        bounds::size("sign: message", message.len(), SIGNED)?;
        Ok(services.sign_with_own_key(&message).map_err(Stop::output)?.map_err(Stop::from)?)
    }

    fn decrypt(&mut self, encrypted: own_keys::Encrypted) -> wasmtime::Result<Option<Vec<u8>>> {
        let services = self.counted()?;
        let own_keys::Encrypted { transport, key, cipher, content } = encrypted;
        self.asked("own-keys.decrypt", key.len() + content.len());
        bounds::size("decrypt: key", key.len(), KEY)?;
        bounds::size("decrypt: content", content.len(), CONTENT)?;
        let transport = match transport {
            own_keys::KeyTransport::RsaOaepSha1 => KeyTransport::RsaOaepSha1,
            own_keys::KeyTransport::RsaOaepSha256 => KeyTransport::RsaOaepSha256,
        };
        let cipher = match cipher {
            own_keys::ContentCipher::Aes128Gcm => ContentCipher::Aes128Gcm,
            own_keys::ContentCipher::Aes256Gcm => ContentCipher::Aes256Gcm,
        };
        let encrypted = EncryptedContent { transport, key, cipher, content };
        let opened = services.decrypt_with_own_key(&encrypted).map_err(Stop::output)?;
        Ok(opened.map(|content| content.to_vec()))
    }
}

//! The authenticator's own keys: `own-keys` in `wit/authenticator.wit`. They never cross into the sandbox.

use core::fmt;
use std::sync::atomic::Ordering;

use super::AuthenticatorServices;
use crate::keys::{EncryptedContent, Opened, SigningAlgorithm, decryption_name, signing_name};
use crate::unavailable::Unavailable;

/// Uses of private keys in one call: each is an RSA operation outside the component's own budget.
const MOST: u8 = 8;

/// What a component did wrong with its keys.
#[derive(Debug, PartialEq, Eq)]
pub struct TooManyUses;

impl fmt::Display for TooManyUses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "authenticator.keys.too-many: {MOST} uses of a private key in a call")
    }
}

impl AuthenticatorServices {
    /// Signs with the authenticator's own key: RSASSA-PKCS1-v1_5 with SHA-256.
    ///
    /// # Errors
    /// [`TooManyUses`]; inside, [`Unavailable`] when it has no key.
    pub fn sign_with_own_key(&self, message: &[u8]) -> Result<Result<Vec<u8>, Unavailable>, TooManyUses> {
        self.count_key_use()?;
        let name = signing_name(&self.call.authenticator);
        let signed = self.installation.keys.sign(&name, SigningAlgorithm::Rs256, message);
        Ok(signed.map(|signature| signature.bytes))
    }

    /// Opens what was encrypted for the authenticator. `None`: it is for another key, or was changed.
    ///
    /// # Errors
    /// [`TooManyUses`].
    pub fn decrypt_with_own_key(&self, encrypted: &EncryptedContent) -> Result<Option<Opened>, TooManyUses> {
        self.count_key_use()?;
        Ok(self.installation.keys.decrypt(&decryption_name(&self.call.authenticator), encrypted))
    }

    fn count_key_use(&self) -> Result<(), TooManyUses> {
        let used = self.key_uses.fetch_add(1, Ordering::Relaxed);
        if used < MOST {
            return Ok(());
        }
        // It does not wrap around.
        self.key_uses.store(MOST, Ordering::Relaxed);
        Err(TooManyUses)
    }
}

//! Ed25519 (RFC 8032) with keys that are decompressed once: a fifteenth of a verification.

use core::cell::RefCell;

use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use postern_signature::VerifyError;

use super::key::Key;

/// Most keys that are kept: those of the issuers, and of clients that prove possession of one.
const MOST: usize = 16;

/// Keys that were seen, the latest last. They are public.
#[derive(Debug, Default)]
pub(super) struct Ed25519Keys(RefCell<Vec<VerifyingKey>>);

impl Ed25519Keys {
    pub(super) fn verify(&self, key: &Key<'_>, message: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
        let key = self.decompressed(key)?;
        let signature = Signature::from_slice(signature).map_err(|_| VerifyError::Mismatch)?;
        key.verify(message, &signature).map_err(|_| VerifyError::Mismatch)
    }

    fn decompressed(&self, key: &Key<'_>) -> Result<VerifyingKey, VerifyError> {
        let bytes: &[u8; 32] = key.bits.try_into().map_err(|_| VerifyError::UnfitKey)?;
        let mut known = self.0.try_borrow_mut().map_err(|_| VerifyError::UnfitKey)?;
        if let Some(key) = known.iter().find(|key| key.as_bytes() == bytes) {
            return Ok(*key);
        }
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| VerifyError::UnfitKey)?;
        // A key of small order has signatures that are good for nearly every message.
        if key.is_weak() {
            return Err(VerifyError::UnfitKey);
        }
        if known.len() >= MOST {
            known.remove(0);
        }
        known.push(key);
        Ok(key)
    }
}

//! Randomness as an argument, and the identifiers made of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Where random bytes come from: the operating system in the composition root, a seed in tests.
pub trait Randomness: Send + Sync {
    /// Fills the buffer with bytes that nobody can predict.
    fn fill(&self, buffer: &mut [u8]);
}

/// A new identifier that nobody can guess: 128 bits as 22 characters of base64url.
pub fn identifier(randomness: &dyn Randomness) -> String {
    let mut bytes = [0; 16];
    randomness.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A new secret for its bearer: 256 bits as 43 characters of base64url.
pub fn secret(randomness: &dyn Randomness) -> String {
    let mut bytes = [0; 32];
    randomness.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What the store keeps in place of a bearer's secret: SHA-256, 32 bytes. The secrets are of 256
/// random bits, so that no salt and no stretching is needed.
pub fn fingerprint(secret: &str) -> Fingerprint {
    Fingerprint(Sha256::digest(secret.as_bytes()).into())
}

/// SHA-256 of a bearer's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

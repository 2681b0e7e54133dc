//! A token by its digest: what is remembered of it.

use sha2::{Digest as _, Sha256};

/// SHA-256 of the whole token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The token's.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

impl core::fmt::Debug for TokenDigest {
    /// Of a short token even the digest tells something.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("TokenDigest")
    }
}

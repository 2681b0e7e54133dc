//! Nonces for DPoP proofs: the same for all workers, by a secret in shared data.

use core::cell::OnceCell;

use crate::shared_secret::find_or_make;
use postern_jose::validator::{Denial, NONCE_SECRET, NonceSecret};
use postern_refusal::Refusal;

/// Where the secret is.
const PLACE: &str = "postern.token-validator.nonce-secret";

/// What nonces are acceptable.
pub(crate) struct Nonces {
    seconds: u64,
    secret: OnceCell<NonceSecret>,
}

impl Nonces {
    pub(crate) fn new(seconds: u64) -> Self {
        Self { seconds, secret: OnceCell::new() }
    }

    /// The one to give out, and the one before.
    pub(crate) fn acceptable(&self, now: u64) -> Result<[String; 2], Denial> {
        let secret = match self.secret.get() {
            Some(secret) => secret,
            None => {
                let found = find_or_make::<NONCE_SECRET>(PLACE).ok_or_else(unavailable)?;
                self.secret.get_or_init(|| NonceSecret::new(found))
            }
        };
        Ok(secret.acceptable(now, self.seconds))
    }
}

fn unavailable() -> Denial {
    let refusal = Refusal::internal("token.dpop.nonce-unavailable").with_status(503);
    Denial {
        refusal: refusal.expected("randomness, and shared data that can be written"),
        challenge: None,
        dpop_nonce: None,
    }
}

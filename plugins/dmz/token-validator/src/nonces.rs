//! Nonces for DPoP proofs: the same for all workers, by a secret in shared data.

use core::cell::OnceCell;

use postern_jose::validator::{Denial, NONCE_SECRET, NonceSecret};
use postern_proxy::host::{self, Entropy};
use postern_refusal::Refusal;
use zeroize::Zeroizing;

/// Where the secret is.
const PLACE: &str = "postern.token-validator.nonce-secret";

/// How often it is looked for again when another worker was faster.
const TRIES: usize = 3;

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
                let found = find_or_make().ok_or_else(unavailable)?;
                self.secret.get_or_init(|| found)
            }
        };
        Ok(secret.acceptable(now, self.seconds))
    }
}

/// The secret of all workers: the first one to need it makes it.
fn find_or_make() -> Option<NonceSecret> {
    for _ in 0..TRIES {
        if let Some((found, _)) = host::shared(PLACE).ok()? {
            let found = Zeroizing::new(found);
            let secret: [u8; NONCE_SECRET] = found.as_slice().try_into().ok()?;
            return Some(NonceSecret::new(Zeroizing::new(secret)));
        }
        let entropy = Entropy::default();
        let made = Zeroizing::new([entropy.sixteen()?, entropy.sixteen()?].concat());
        // Whoever was faster is read in the next round, and so is this one.
        let _ = host::set_shared(PLACE, &made, Some(host::ABSENT));
    }
    None
}

fn unavailable() -> Denial {
    let refusal = Refusal::internal("token.dpop.nonce-unavailable").with_status(503);
    Denial {
        refusal: refusal.expected("randomness, and shared data that can be written"),
        challenge: None,
        dpop_nonce: None,
    }
}

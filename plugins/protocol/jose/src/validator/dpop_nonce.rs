//! Nonces for DPoP proofs (RFC 9449 sections 8 and 9), made of the time and a secret: nothing has to
//! be kept for a client.

use crate::base64url;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of the secret.
pub const NONCE_SECRET: usize = 32;

/// Bytes of the MAC that make a nonce.
const NONCE: usize = 16;

/// What nonces are made with. All workers of a proxy have the same.
pub struct NonceSecret(Zeroizing<[u8; NONCE_SECRET]>);

impl core::fmt::Debug for NonceSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("NonceSecret")
    }
}

impl NonceSecret {
    /// The secret, of random bytes.
    pub fn new(secret: Zeroizing<[u8; NONCE_SECRET]>) -> Self {
        Self(secret)
    }

    /// The nonce of this moment and the one before, both acceptable: a nonce is good for one to two
    /// times so many seconds.
    pub fn acceptable(&self, now: u64, seconds: u64) -> [String; 2] {
        let slot = now.checked_div(seconds).unwrap_or(0);
        [self.nonce(slot), self.nonce(slot.saturating_sub(1))]
    }

    fn nonce(&self, slot: u64) -> String {
        // A key of any length is taken: without one there would be no nonce that anybody can guess.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_slice()) else { return String::new() };
        mac.update(b"postern dpop nonce ");
        mac.update(&slot.to_be_bytes());
        base64url::encode(mac.finalize().into_bytes().get(..NONCE).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_for_two_slots() {
        let secret = NonceSecret::new(Zeroizing::new([7; 32]));
        let [now, before] = secret.acceptable(1_000, 60);
        assert_ne!(now, before);
        assert_eq!(now.len(), 22);
        assert_eq!(secret.acceptable(1_019, 60), [now.clone(), before]);
        let [next, still] = secret.acceptable(1_020, 60);
        assert_eq!(still, now);
        assert!(!secret.acceptable(1_080, 60).contains(&now), "{next}");
        let other = NonceSecret::new(Zeroizing::new([8; 32]));
        assert!(!other.acceptable(1_000, 60).contains(&now));
        assert_eq!(format!("{secret:?}"), "NonceSecret");
    }
}

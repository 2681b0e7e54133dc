//! Device cookies, as OWASP's "Slow down online guessing attacks with device cookies" has them.
//!
//! Whoever signs in leaves a cookie in the browser that says so. Failures of a browser that shows
//! one are counted under the cookie, and those of all others under the name: a stranger who fails
//! under a person's name slows down other strangers, and not the person's own devices. The cookie
//! proves nothing else: with it a password is still needed, and guesses are limited as before.
//!
//! It is a version, the time it was made (seconds, 8 bytes), a nonce of 16 bytes, and HMAC-SHA-256
//! over these and what it is bound to ([`crate::directory::Directory::device_binding`]) under a key
//! of the installation; in base64url. Every node can check it, and nothing is kept for it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::{Choice, ConstantTimeEq as _};

use crate::clock::Timestamp;
use crate::keys::KeyRing;
use crate::randomness::Randomness;

/// How long a cookie is good for, in seconds: a year. Every sign-in makes a new one.
pub const LIFETIME: u64 = 365 * 24 * 3_600;

/// Later versions go on accepting this one for [`LIFETIME`], so that an upgrade costs no device
/// its standing.
const VERSION: u8 = 1;
const TIME: usize = 8;
const NONCE: usize = 16;
const TAG: usize = 32;
/// What the tag is made over, beside the binding.
const SIGNED: usize = 1 + TIME + NONCE;

const PURPOSE: &str = "device-cookie";

/// A cookie's value for whom the binding names.
pub fn issue(keys: &dyn KeyRing, randomness: &dyn Randomness, binding: &str, now: Timestamp) -> String {
    let mut nonce = [0; NONCE];
    randomness.fill(&mut nonce);
    let mut cookie = vec![VERSION];
    cookie.extend_from_slice(&now.0.to_be_bytes());
    cookie.extend_from_slice(&nonce);
    let tag = keys.mac(PURPOSE, &message(&cookie, binding));
    cookie.extend_from_slice(&tag);
    URL_SAFE_NO_PAD.encode(cookie)
}

/// What failures of this device are counted under, when the cookie's value is good for whom the
/// binding names. `None` as binding: nobody, and the same work is done.
pub fn recognise(keys: &dyn KeyRing, cookie: &str, binding: Option<&str>, now: Timestamp) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(cookie).ok()?;
    let (signed, tag) = bytes.split_first_chunk::<SIGNED>()?;
    let [version, rest @ ..] = signed;
    let (time, nonce) = rest.split_first_chunk::<TIME>()?;
    if *version != VERSION || tag.len() != TAG {
        return None;
    }
    let expected = keys.mac(PURPOSE, &message(signed, binding.unwrap_or_default()));
    let is_somebody = Choice::from(u8::from(binding.is_some()));
    let is_good = bool::from(expected.ct_eq(tag) & is_somebody);
    let is_fresh = now.since(Timestamp(u64::from_be_bytes(*time))) <= LIFETIME;
    (is_good && is_fresh).then(|| format!("device:{}", URL_SAFE_NO_PAD.encode(nonce)))
}

/// The signed part is of one length: nothing can be moved from one to the other.
fn message(signed: &[u8], binding: &str) -> Vec<u8> {
    [signed, binding.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::keys::{Opened, PeerAlgorithm, PublishedKey, Signature, SigningAlgorithm};
    use crate::unavailable::Unavailable;

    /// A key ring that makes tags alone.
    struct Keys(&'static str);

    #[async_trait]
    impl KeyRing for Keys {
        async fn provide(&self, _: &str, _: &[SigningAlgorithm]) -> Result<(), Unavailable> {
            Ok(())
        }

        fn sign(&self, _: &str, _: SigningAlgorithm, _: &[u8]) -> Result<Signature, Unavailable> {
            Err(Unavailable::new("keys", "none in this test"))
        }

        fn published(&self, _: &str) -> Vec<PublishedKey> {
            Vec::new()
        }

        fn verify(&self, _: PeerAlgorithm, _: &[u8], _: &[u8], _: &[u8]) -> bool {
            false
        }

        fn seal(&self, _: &[&str], _: &[u8]) -> Result<Vec<u8>, Unavailable> {
            Err(Unavailable::new("keys", "none in this test"))
        }

        fn open(&self, _: &[&str], _: &[u8]) -> Result<Opened, Unavailable> {
            Err(Unavailable::new("keys", "none in this test"))
        }

        fn mac(&self, purpose: &'static str, message: &[u8]) -> [u8; 32] {
            Sha256::digest([self.0.as_bytes(), purpose.as_bytes(), message].concat()).into()
        }
    }

    struct Sevens;

    impl Randomness for Sevens {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    const KEYS: Keys = Keys("one");
    const NOW: Timestamp = Timestamp(1_800_000_000);

    #[test]
    fn a_cookie_is_good_for_whom_it_is_bound_to_for_a_year_and_under_one_key() {
        let cookie = issue(&KEYS, &Sevens, "alice:0", NOW);
        let key = recognise(&KEYS, &cookie, Some("alice:0"), NOW).unwrap();
        assert_eq!(key, format!("device:{}", URL_SAFE_NO_PAD.encode([7; 16])));
        assert!(recognise(&KEYS, &cookie, Some("alice:0"), NOW.plus(LIFETIME)).is_some());
        assert_eq!(recognise(&KEYS, &cookie, Some("alice:0"), NOW.plus(LIFETIME + 1)), None);
        assert_eq!(recognise(&KEYS, &cookie, Some("alice:1"), NOW), None);
        assert_eq!(recognise(&KEYS, &cookie, Some("alice:"), NOW), None);
        assert_eq!(recognise(&KEYS, &cookie, None, NOW), None);
        assert_eq!(recognise(&Keys("two"), &cookie, Some("alice:0"), NOW), None);
        let nobodys = issue(&KEYS, &Sevens, "", NOW);
        assert_eq!(recognise(&KEYS, &nobodys, None, NOW), None);
    }

    #[test]
    fn no_byte_can_be_changed_added_or_left_away() {
        let cookie = issue(&KEYS, &Sevens, "alice:0", NOW);
        let bytes = URL_SAFE_NO_PAD.decode(&cookie).unwrap();
        let good =
            |bytes: &[u8]| recognise(&KEYS, &URL_SAFE_NO_PAD.encode(bytes), Some("alice:0"), NOW).is_some();
        assert!(good(&bytes));
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            assert!(!good(&changed), "byte {index}");
            assert!(!good(&bytes[..index]), "cut at {index}");
        }
        assert!(!good(&[bytes.as_slice(), &[0]].concat()));
        for text in ["", "=", "not base64!", &format!("{cookie}=")] {
            assert_eq!(recognise(&KEYS, text, Some("alice:0"), NOW), None, "{text}");
        }
    }

    /// As the first release wrote it: it is accepted for as long as it is good.
    #[test]
    fn cookies_of_releases_before_are_accepted() {
        const FIRST: &str = "AQAAAABrSdIABwcHBwcHBwcHBwcHBwcHB9QPfko3lg9hOX9SlftEEw7n5h8eQSXrKazFjML-wOC1";
        assert_eq!(issue(&KEYS, &Sevens, "alice:0", NOW), FIRST);
        assert!(recognise(&KEYS, FIRST, Some("alice:0"), NOW.plus(1_000)).is_some());
    }
}

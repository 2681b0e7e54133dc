//! Sealing: AES-256-GCM under the master key.
//!
//! A sealed value is a version byte, the nonce, and the ciphertext with its tag. What it belongs to
//! is authenticated with it, so that no sealed value can be put in the place of another.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, rand};
use zeroize::Zeroizing;

use crate::master::MasterKey;

/// AES-256-GCM, nonce of 12 random bytes. An installation seals far fewer than the 2^32 values
/// for which random nonces are good.
const VERSION: u8 = 1;

/// Keeps these keys apart from those of [`postern_kernel::keys::KeyRing::mac`], whose purposes have no NUL.
const PLACE: &[u8] = b"sealed\0";

/// Seals and opens.
pub(crate) struct Sealer(LessSafeKey);

/// Not sealed under this master key for this place, or of an unknown version.
#[derive(Debug)]
pub(crate) struct NotOpened;

impl Sealer {
    /// Under this master key. `None`: the library refuses, which it does for no key of 32 bytes.
    pub(crate) fn new(master: &MasterKey) -> Option<Self> {
        UnboundKey::new(&AES_256_GCM, master.bytes()).ok().map(|key| Self(LessSafeKey::new(key)))
    }

    /// Under a key that is derived for this place alone, so that the nonces of no key become many.
    /// `None`: the library refuses, which it does for no place.
    pub(crate) fn for_place(secret: &hkdf::Prk, place: &[&str]) -> Option<Self> {
        let labels: Vec<&[u8]> = place.iter().map(|name| name.as_bytes()).collect();
        let place = associated(&labels);
        let info = [PLACE, place.as_slice()];
        let key = secret.expand(&info, &AES_256_GCM).ok()?;
        Some(Self(LessSafeKey::new(key.into())))
    }

    /// Seals `value` for the place that the `labels` name. `None`: no randomness was to be had.
    pub(crate) fn seal(&self, labels: &[&[u8]], value: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).ok()?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + value.len() + AES_256_GCM.tag_len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        let mut body = Zeroizing::new(value.to_vec());
        let tag = self
            .0
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated(labels)),
                &mut body,
            )
            .ok()?;
        sealed.extend_from_slice(&body);
        sealed.extend_from_slice(tag.as_ref());
        Some(sealed)
    }

    /// Opens what was sealed for the place that the `labels` name.
    pub(crate) fn open(&self, labels: &[&[u8]], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotOpened> {
        let (version, rest) = sealed.split_first().ok_or(NotOpened)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(NotOpened)?;
        if *version != VERSION {
            return Err(NotOpened);
        }
        let mut value = Zeroizing::new(body.to_vec());
        let length = self
            .0
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(associated(labels)),
                value.as_mut_slice(),
            )
            .map_err(|_| NotOpened)?
            .len();
        value.truncate(length);
        Ok(value)
    }
}

/// The lengths keep ("ab", "c") and ("a", "bc") apart.
fn associated(labels: &[&[u8]]) -> Vec<u8> {
    let mut associated = vec![VERSION];
    for label in labels {
        associated.extend_from_slice(&(label.len() as u64).to_be_bytes());
        associated.extend_from_slice(label);
    }
    associated
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    fn sealer(byte: u8) -> Sealer {
        let text = base64::engine::general_purpose::STANDARD.encode([byte; 32]);
        Sealer::new(&MasterKey::from_base64(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_and_nowhere_else() {
        let sealed = sealer(1).seal(&[b"saml2", b"RS256"], b"private").unwrap();
        assert_eq!(sealed[0], 1);
        assert!(!sealed.windows(7).any(|window| window == b"private"));
        assert_eq!(sealer(1).open(&[b"saml2", b"RS256"], &sealed).unwrap().as_slice(), b"private");
        for labels in [&[b"oidc".as_slice(), b"RS256"], &[b"saml2R".as_slice(), b"S256"]] {
            assert!(sealer(1).open(labels, &sealed).is_err());
        }
        assert!(sealer(2).open(&[b"saml2", b"RS256"], &sealed).is_err());
    }

    #[test]
    fn each_place_has_its_key() {
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(&[7; 32]);
        let place = |names: &[&str]| Sealer::for_place(&secret, names).unwrap();
        let sealed = place(&["credential", "totp", "alice"]).seal(&[], b"private").unwrap();
        let opened = place(&["credential", "totp", "alice"]).open(&[], &sealed).unwrap();
        assert_eq!(opened.as_slice(), b"private");
        for other in [&["credential", "totp", "bob"][..], &["credential", "totpa", "lice"], &["credential"]] {
            assert!(place(other).open(&[], &sealed).is_err(), "{other:?}");
        }
    }

    #[test]
    fn no_byte_can_be_changed_or_left_away() {
        let sealed = sealer(1).seal(&[b"x"], b"private").unwrap();
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(sealer(1).open(&[b"x"], &changed).is_err(), "byte {index}");
            assert!(sealer(1).open(&[b"x"], &sealed[..index]).is_err(), "cut at {index}");
        }
    }

    #[test]
    fn the_same_value_is_never_sealed_alike() {
        assert_ne!(sealer(1).seal(&[], b"private").unwrap(), sealer(1).seal(&[], b"private").unwrap());
    }
}

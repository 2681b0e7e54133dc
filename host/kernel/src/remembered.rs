//! Cookies by which a device need not be asked for a further factor again, for a time.
//!
//! One is a version, the time that it is good until (seconds, 8 bytes), a nonce of 16 bytes, and HMAC-SHA-256
//! over these and what it is bound to under a key of the installation; in base64url. It is bound to a person, to
//! their password and to the records of one of their factors ([`binding`]): a change of password, a factor that
//! is added or removed, and `postern user reset-factors` end it. Every node can check it, and nothing is kept
//! for it. It stands for no first step: without the password it is worth nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::clock::Timestamp;
use crate::keys::KeyRing;
use crate::randomness::Randomness;

/// Longest time that a device is remembered, in seconds: 90 days.
pub const LONGEST: u64 = 90 * 24 * 3_600;

const VERSION: u8 = 1;
const TIME: usize = 8;
const NONCE: usize = 16;
const TAG: usize = 32;
const SIGNED: usize = 1 + TIME + NONCE;

const PURPOSE: &str = "remembered-device";

/// What a cookie is bound to: the person and their password
/// ([`crate::directory::Directory::device_binding`]), an authenticator, and the identifiers of its records.
pub fn binding(device_binding: &str, authenticator: &str, records: &[String]) -> String {
    let mut parts = vec![device_binding, authenticator];
    parts.extend(records.iter().map(String::as_str));
    // The lengths keep parts from being moved from one to the next.
    parts.iter().map(|part| format!("{}:{part};", part.len())).collect()
}

/// A cookie's value that is good until that time.
pub fn issue(keys: &dyn KeyRing, randomness: &dyn Randomness, binding: &str, until: Timestamp) -> String {
    let mut nonce = [0; NONCE];
    randomness.fill(&mut nonce);
    let mut cookie = vec![VERSION];
    cookie.extend_from_slice(&until.0.to_be_bytes());
    cookie.extend_from_slice(&nonce);
    let tag = keys.mac(PURPOSE, &[cookie.as_slice(), binding.as_bytes()].concat());
    cookie.extend_from_slice(&tag);
    URL_SAFE_NO_PAD.encode(cookie)
}

/// Whether the cookie's value is good for what the binding names. One that is good for longer than `most`
/// seconds from now was made under another configuration, and is not.
pub fn is_good(keys: &dyn KeyRing, cookie: &str, binding: &str, now: Timestamp, most: u64) -> bool {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(cookie) else { return false };
    let Some((signed, tag)) = bytes.split_first_chunk::<SIGNED>() else { return false };
    let [version, rest @ ..] = signed;
    let Some((time, _)) = rest.split_first_chunk::<TIME>() else { return false };
    let until = Timestamp(u64::from_be_bytes(*time));
    let expected = keys.mac(PURPOSE, &[signed.as_slice(), binding.as_bytes()].concat());
    let is_ours = tag.len() == TAG && bool::from(expected.ct_eq(tag));
    is_ours && *version == VERSION && now < until && until.since(now) <= most
}

//! The secret that a phone and the server share.

use alloc::format;
use alloc::string::String;
use core::fmt;

use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

/// 160 bits: RFC 4226 section 4, R6.
const LENGTH: usize = 20;
/// Longest `otpauth` URI in bytes: what a code on a page can hold and a phone still read.
const MAX_URI: usize = 512;

/// A shared secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Zeroizing<[u8; LENGTH]>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// Bytes of a key.
    pub const LENGTH: usize = LENGTH;

    /// `None`: not 20 bytes.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let (key, rest) = bytes.split_first_chunk::<LENGTH>()?;
        rest.is_empty().then(|| Self(Zeroizing::new(*key)))
    }

    /// Its 20 bytes.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// For an app that can't scan: base32 in groups of four.
    pub fn to_type(&self) -> String {
        let mut groups = String::new();
        for (index, letter) in BASE32_NOPAD.encode(self.bytes()).chars().enumerate() {
            if index > 0 && index.checked_rem(4) == Some(0) {
                groups.push(' ');
            }
            groups.push(letter);
        }
        groups
    }

    /// What an app scans: the `otpauth` URI of the Key Uri Format. An account whose name would make it
    /// longer than 512 bytes is left out.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let issuer = encoded(issuer);
        let secret = BASE32_NOPAD.encode(self.bytes());
        let uri = |label: &str| format!("otpauth://totp/{label}?secret={secret}&issuer={issuer}");
        let whole = uri(&format!("{issuer}:{}", encoded(account)));
        if whole.len() <= MAX_URI { whole } else { uri(&issuer) }
    }
}

/// RFC 3986 section 2.1: everything but the unreserved characters.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

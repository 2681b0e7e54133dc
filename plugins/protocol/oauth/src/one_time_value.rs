//! Authorization codes and refresh tokens: random values that are kept under their hash.

use crate::digest::sha256;
use postern_jose::base64url_encode;

/// Random bytes of a one-time value: 256 bits.
pub const ONE_TIME_VALUE_BYTES: usize = 32;

/// What a one-time value is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneTimeKind {
    /// RFC 6749 section 4.1.2.
    AuthorizationCode,
    /// RFC 6749 section 6; each use gives a new one.
    RefreshToken,
}

/// A value that is handed out once and taken once. It is not in any store: only its hash is.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeValue {
    kind: OneTimeKind,
    text: String,
}

impl core::fmt::Debug for OneTimeValue {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "OneTimeValue({:?})", self.kind)
    }
}

impl OneTimeValue {
    /// The value of these random bytes; `None` unless there are [`ONE_TIME_VALUE_BYTES`].
    pub fn new(kind: OneTimeKind, random: &[u8]) -> Option<Self> {
        (random.len() == ONE_TIME_VALUE_BYTES).then(|| Self { kind, text: base64url_encode(random) })
    }

    /// The value that somebody presents; `None` when it can't be one of ours.
    pub fn presented(kind: OneTimeKind, text: &str) -> Option<Self> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (text.len() == 43 && text.bytes().all(good)).then(|| Self { kind, text: text.to_owned() })
    }

    /// The text for the client.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The key to keep it under. The kinds have different keys: a refresh token is no code.
    pub fn storage_key(&self) -> String {
        let prefix = match self.kind {
            OneTimeKind::AuthorizationCode => "code",
            OneTimeKind::RefreshToken => "refresh",
        };
        format!("{prefix}:{}", sha256(self.text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_presented_is_found_under_the_same_key() {
        let value = OneTimeValue::new(OneTimeKind::AuthorizationCode, &[7; 32]).unwrap();
        let presented = OneTimeValue::presented(OneTimeKind::AuthorizationCode, value.expose()).unwrap();
        assert_eq!(value.storage_key(), presented.storage_key());
        assert!(!value.storage_key().contains(value.expose()));
        assert!(!format!("{value:?}").contains(value.expose()));
        let other = OneTimeValue::presented(OneTimeKind::RefreshToken, value.expose()).unwrap();
        assert_ne!(value.storage_key(), other.storage_key());
        assert_eq!(OneTimeValue::new(OneTimeKind::RefreshToken, &[7; 16]), None);
        assert_eq!(OneTimeValue::presented(OneTimeKind::RefreshToken, "x"), None);
    }
}

//! Secrets that the host adds to a request.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use zeroize::Zeroizing;

use crate::grant::Grant;
use crate::target::Target;

/// A secret for one host.
pub struct Credential {
    host: Grant,
    authorization: HeaderValue,
}

/// How it is sent.
pub enum CredentialKind<'s> {
    /// `Basic`, of a name and the secret, both encoded as RFC 6749 section 2.3.1 has it.
    Basic(&'s str),
    /// `Bearer` (RFC 6750).
    Bearer,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({})", self.host)
    }
}

impl Credential {
    /// The secret for that host. `None` when it can't stand in a header.
    pub fn new(host: Grant, kind: &CredentialKind<'_>, secret: &str) -> Option<Self> {
        let value = Zeroizing::new(match kind {
            CredentialKind::Basic(name) => {
                let pair = Zeroizing::new(format!("{}:{}", encoded(name), encoded(secret)));
                format!("Basic {}", STANDARD.encode(pair.as_bytes()))
            }
            CredentialKind::Bearer => {
                let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
                if secret.is_empty() || !secret.bytes().all(is_token) {
                    return None;
                }
                format!("Bearer {secret}")
            }
        });
        let mut authorization = HeaderValue::from_str(&value).ok()?;
        authorization.set_sensitive(true);
        Some(Self { host, authorization })
    }

    pub(crate) fn is_for(&self, target: &Target) -> bool {
        self.host.covers(target)
    }

    pub(crate) fn authorization(&self) -> HeaderValue {
        self.authorization.clone()
    }
}

/// `application/x-www-form-urlencoded` (RFC 6749 appendix B).
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b' ' => encoded.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_is_encoded_as_oauth_has_it() {
        let host: Grant = "op.example".parse().unwrap();
        let basic = Credential::new(host.clone(), &CredentialKind::Basic("a b:c"), "s:ü+%").unwrap();
        let expected = STANDARD.encode("a+b%3Ac:s%3A%C3%BC%2B%25");
        assert_eq!(basic.authorization(), format!("Basic {expected}"));
        assert_eq!(format!("{basic:?} {:?}", basic.authorization()), "Credential(op.example) Sensitive");
        let bearer = Credential::new(host.clone(), &CredentialKind::Bearer, "abc._~").unwrap();
        assert_eq!(bearer.authorization(), "Bearer abc._~");
        for bad in ["", "a b", "a\r\nx: y", "ü"] {
            assert!(Credential::new(host.clone(), &CredentialKind::Bearer, bad).is_none(), "{bad:?}");
        }
    }
}

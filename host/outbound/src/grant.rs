//! Hosts that the operator grants.

use core::fmt;
use core::str::FromStr;

use crate::target::{Authority, Target};

/// `host` or `host:port`: exactly this one, no subdomains. Without a port 443, and 80 for `http` to a loopback
/// address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    text: String,
}

/// A text that is no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is neither a host name in lower case nor an address, with :port when it is not 443")]
pub struct GrantError;

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        match Authority::read(text, 443) {
            Some(_) => Ok(Self { text: text.into() }),
            None => Err(GrantError),
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Grant {
    /// Whether the target is there. Both are written in one way only.
    pub(crate) fn covers(&self, target: &Target) -> bool {
        let default = if target.is_secure { 443 } else { 80 };
        Authority::read(&self.text, default).is_some_and(|place| place == target.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_for_one_host_and_port() {
        let covers =
            |grant: &str, url: &str| grant.parse::<Grant>().unwrap().covers(&Target::read(url).unwrap());
        assert!(covers("op.example", "https://op.example/x"));
        assert!(covers("op.example:8443", "https://op.example:8443/x"));
        assert!(covers("127.0.0.1:3000", "http://127.0.0.1:3000/x"));
        assert!(covers("127.0.0.1:3000", "https://127.0.0.1:3000/x"));
        assert!(covers("[::1]:3000", "https://[::1]:3000/x"));
        assert!(!covers("op.example", "https://op.example:8443/x"));
        assert!(!covers("op.example:8443", "https://op.example/x"));
        assert!(!covers("op.example", "https://login.op.example/x"));
        assert!(!covers("op.example", "https://op.example.evil.example/x"));
        for bad in ["", "*", "*.op.example", "https://op.example", "op.example/x", "op.example:443", "127.1"]
        {
            assert_eq!(bad.parse::<Grant>(), Err(GrantError), "{bad}");
        }
    }
}

//! Mail to people, behind a trait.

use core::fmt;

use async_trait::async_trait;

use crate::unavailable::Unavailable;

/// Bytes of an address (RFC 5321 section 4.5.3.1, RFC 3696 erratum 1690) and of its local part.
const MAX_ADDRESS: usize = 254;
const MAX_LOCAL_PART: usize = 64;

/// An address that mail can be sent to: a local part of `atext` and dots and a host name (RFC 5322 section
/// 3.4.1). No quoted local parts, address literals, comments or characters outside of ASCII.
#[derive(Clone, PartialEq, Eq)]
pub struct MailAddress {
    local_part: String,
    domain: String,
}

impl fmt::Debug for MailAddress {
    /// Masked: it is personal, and ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailAddress({})", self.masked())
    }
}

impl MailAddress {
    /// Reads an address. `None`: it is none, or one that is not sent to.
    pub fn read(text: &str) -> Option<Self> {
        let (local_part, domain) = text.split_once('@')?;
        let is_atom = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_atext(byte))
        };
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let fits = text.len() <= MAX_ADDRESS
            && local_part.len() <= MAX_LOCAL_PART
            && local_part.split('.').all(is_atom)
            && domain.split('.').all(is_label);
        fits.then(|| Self { local_part: local_part.into(), domain: domain.into() })
    }

    /// The whole address.
    pub fn as_text(&self) -> String {
        format!("{}@{}", self.local_part, self.domain)
    }

    /// As somebody may see it who has proven less than that it is theirs: `a***@example.com`.
    pub fn masked(&self) -> String {
        let first = self.local_part.chars().next().unwrap_or('*');
        format!("{first}***@{}", self.domain)
    }
}

fn is_atext(byte: u8) -> bool {
    b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// A message of plain text.
pub struct Mail {
    /// To whom.
    pub to: MailAddress,
    /// One line, not encoded yet.
    pub subject_line: String,
    /// Lines that end with `\n`.
    pub body: String,
}

impl fmt::Debug for Mail {
    /// What is in it is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mail({})", self.to.masked())
    }
}

/// Who sends it.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands the message on, within the time that the operator gives it.
    ///
    /// # Errors
    /// [`Unavailable`] (`mail`) when nobody has taken it.
    async fn send(&self, mail: Mail) -> Result<(), Unavailable>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (good, masked) in [
            ("alice@example.com", "a***@example.com"),
            ("a@localhost", "a***@localhost"),
            ("o'hara+x.y@mail.example.com", "o***@mail.example.com"),
        ] {
            let address = MailAddress::read(good).unwrap();
            assert_eq!((address.as_text().as_str(), address.masked().as_str()), (good, masked));
            assert_eq!(format!("{address:?}"), format!("MailAddress({masked})"));
        }
        let long = format!("{}@example.com", "a".repeat(65));
        let longer = format!("a@{}example.com", "a23456789.".repeat(25));
        for bad in [
            "",
            "alice",
            "@example.com",
            "alice@",
            "alice@example.com\r\nBcc: eve@evil.example",
            "alice@example.com\0",
            "alice@example.com, eve@evil.example",
            "<alice@example.com>",
            "Alice <alice@example.com>",
            "alice@eve@example.com",
            "\"a b\"@example.com",
            "a b@example.com",
            ".a@example.com",
            "a..b@example.com",
            "a.@example.com",
            "a@[127.0.0.1]",
            "a@-example.com",
            "a@example..com",
            "a@example.com.",
            "ä@example.com",
            "a@exämple.com",
            " a@example.com",
            "a@example.com ",
            &long,
            &longer,
        ] {
            assert!(MailAddress::read(bad).is_none(), "{bad:?}");
        }
    }
}

//! Why a message was refused.
//!
//! A [`Refusal`] is what every rule of Postern answers when it does not accept: a reason code
//! that has a vector in `tests/vectors`, whose fault it is, and what was expected and came.
//! Outside only a neutral answer is seen; the refusal itself goes to the log.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use core::fmt;

/// Whose fault a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The peer broke a rule of the protocol, or of its registration.
    PeerMisbehaved,
    /// The peer wants something that the protocol allows and Postern does not offer.
    PeerIncompatible,
    /// The operator's configuration or registration.
    Configuration,
    /// Ours.
    Internal,
}

impl Fault {
    /// The fault as the log writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PeerMisbehaved => "peer-misbehaved",
            Self::PeerIncompatible => "peer-incompatible",
            Self::Configuration => "configuration",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Longest text, in bytes, that a refusal quotes of what came.
pub const MAX_FOUND: usize = 120;

/// A message that was not accepted, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Reason code such as `saml.destination.mismatch`: area, thing, what is wrong with it.
    pub code: &'static str,
    /// Whose fault it is.
    pub fault: Fault,
    /// HTTP status to answer with where the protocol has no answer of its own.
    pub status: u16,
    /// The element, parameter or header that it is about.
    pub element: String,
    /// What was expected there.
    pub expected: String,
    /// What came, at most [`MAX_FOUND`] bytes, control characters escaped.
    /// Never a secret: callers pass the name of a secret, not its value.
    pub found: String,
}

impl Refusal {
    /// The peer broke a rule: status 400.
    pub fn misbehaved(code: &'static str) -> Self {
        Self::new(code, Fault::PeerMisbehaved, 400)
    }

    /// The peer wants what is not offered: status 400.
    pub fn incompatible(code: &'static str) -> Self {
        Self::new(code, Fault::PeerIncompatible, 400)
    }

    /// The operator's configuration is at fault: status 500.
    pub fn configuration(code: &'static str) -> Self {
        Self::new(code, Fault::Configuration, 500)
    }

    /// We are at fault: status 500.
    pub fn internal(code: &'static str) -> Self {
        Self::new(code, Fault::Internal, 500)
    }

    fn new(code: &'static str, fault: Fault, status: u16) -> Self {
        Self { code, fault, status, element: String::new(), expected: String::new(), found: String::new() }
    }

    /// The same refusal with another HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Names the element, parameter or header that the refusal is about.
    #[must_use]
    pub fn at(mut self, element: &str) -> Self {
        self.element = quote(element);
        self
    }

    /// Says what was expected.
    #[must_use]
    pub fn expected(mut self, expected: &str) -> Self {
        self.expected = quote(expected);
        self
    }

    /// Says what came. Not for secrets.
    #[must_use]
    pub fn found(mut self, found: &str) -> Self {
        self.found = quote(found);
        self
    }

    /// Says what came, when it may not be text.
    #[must_use]
    pub fn found_bytes(self, found: &[u8]) -> Self {
        let text = String::from_utf8_lossy(found.get(..MAX_FOUND).unwrap_or(found));
        self.found(&text)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.code, self.fault)?;
        if !self.element.is_empty() {
            write!(f, " at {}", self.element)?;
        }
        if !self.expected.is_empty() {
            write!(f, ": expected {}", self.expected)?;
        }
        if !self.found.is_empty() {
            write!(f, ", found {}", self.found)?;
        }
        Ok(())
    }
}

impl core::error::Error for Refusal {}

/// Cuts to [`MAX_FOUND`] bytes at a character boundary and escapes control characters, so that
/// nothing a peer sends can forge a line of the log.
fn quote(text: &str) -> String {
    let mut quoted = String::new();
    for character in text.chars() {
        let escaped: String = if character.is_control() || character == '\u{2028}' || character == '\u{2029}'
        {
            character.escape_default().collect()
        } else {
            character.into()
        };
        if quoted.len().saturating_add(escaped.len()) > MAX_FOUND {
            quoted.push('…');
            break;
        }
        quoted.push_str(&escaped);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_reads_as_one_line() {
        let refusal = Refusal::misbehaved("saml.destination.mismatch")
            .at("Destination")
            .expected("https://sso.example.com/samlsso")
            .found("https://evil.example/\r\nforged");
        assert_eq!(
            refusal.to_string(),
            "saml.destination.mismatch (peer-misbehaved) at Destination: expected \
             https://sso.example.com/samlsso, found https://evil.example/\\r\\nforged"
        );
    }

    #[test]
    fn what_came_is_cut_short() {
        let refusal = Refusal::misbehaved("x").found(&"ä".repeat(500));
        assert!(refusal.found.len() <= MAX_FOUND + '…'.len_utf8());
        assert!(refusal.found.ends_with('…'));
    }
}

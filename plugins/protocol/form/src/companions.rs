//! Parameters of a product that may stand beside the message of a protocol.
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::continuation::is_literal_name;

/// Most names, and most values of one.
const MAX_ENTRIES: usize = 1_024;
/// Longest value, in bytes.
const MAX_VALUE: usize = 256;

/// Which parameters may stand beside a message, each once, and what their values may be, letter by
/// letter: `tenantDomain` with the public tenants of a WSO2 Identity Server. The message says nothing
/// of them, and no signature covers them: this list is all that they are judged by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Companions(BTreeMap<String, BTreeSet<String>>);

/// How a parameter stands to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its name is not in the list.
    Unknown,
    /// Name and value are.
    Accepted,
    /// The name is, the value is another.
    WrongValue,
}

impl Companions {
    /// One parameter with its values.
    pub fn of(name: &str, values: impl IntoIterator<Item = String>) -> Self {
        Self(BTreeMap::from([(name.to_owned(), values.into_iter().collect())]))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How a parameter stands to them, its value decoded.
    pub fn standing(&self, name: &str, value: &str) -> Standing {
        match self.0.get(name) {
            None => Standing::Unknown,
            Some(values) if values.contains(value) => Standing::Accepted,
            Some(_) => Standing::WrongValue,
        }
    }

    /// Whether every name is literal and none of those that have a meaning to the protocol, in any case
    /// of letters; and every value one that has one reading.
    pub fn are_sound(&self, has_meaning: impl Fn(&str) -> bool) -> bool {
        let is_plain = |value: &String| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte);
            (1..=MAX_VALUE).contains(&value.len()) && value.bytes().all(plain)
        };
        self.0.len() <= MAX_ENTRIES
            && self.0.iter().all(|(name, values)| {
                is_literal_name(name)
                    && !has_meaning(&name.to_ascii_lowercase())
                    && (1..=MAX_ENTRIES).contains(&values.len())
                    && values.iter().all(is_plain)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_compared_letter_by_letter() {
        let tenants = Companions::of("tenantDomain", ["example.com".to_owned()]);
        assert_eq!(tenants.standing("tenantDomain", "example.com"), Standing::Accepted);
        assert_eq!(tenants.standing("tenantDomain", "Example.com"), Standing::WrongValue);
        assert_eq!(tenants.standing("tenantdomain", "example.com"), Standing::Unknown);
        assert!(!tenants.is_empty() && Companions::default().is_empty());
        let json = serde_json::to_string(&tenants).unwrap();
        assert_eq!(json, r#"{"tenantDomain":["example.com"]}"#);
        assert_eq!(serde_json::from_str::<Companions>(&json).unwrap(), tenants);
    }

    #[test]
    fn what_has_a_meaning_or_two_readings_is_no_companion() {
        let meaning = |name: &str| name == "relaystate";
        let sound = |name: &str, value: &str| Companions::of(name, [value.to_owned()]).are_sound(meaning);
        assert!(sound("tenantDomain", "carbon.super"));
        for (name, value) in [
            ("RelayState", "x"),
            ("a%20b", "x"),
            ("", "x"),
            ("a", ""),
            ("a", "x&SAMLRequest=y"),
            ("a", "x;y"),
            ("a", "%41"),
            ("a", "ä"),
        ] {
            assert!(!sound(name, value), "{name}={value}");
        }
        assert!(!Companions::of("a", []).are_sound(meaning));
        assert!(!Companions::of("a", ["x".repeat(257)]).are_sound(meaning));
    }
}

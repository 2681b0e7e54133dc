//! Members of a claims set (RFC 7519 section 4), read by type.

use crate::json::{Object, Value};
use postern_refusal::Refusal;

/// Longest string claim that a rule reads, in bytes.
const MAX_STRING: usize = 2_048;

/// Most values of `aud`.
const MAX_AUDIENCES: usize = 16;

/// A claims set. Members of unknown names are kept and ignored (RFC 7519 section 4).
#[derive(Clone, Debug, PartialEq)]
pub struct Claims(Object);

impl Eq for Claims {}

impl Claims {
    pub(crate) fn new(object: Object) -> Self {
        Self(object)
    }

    /// The member as it is.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A string of 1 to 2,048 bytes without control characters.
    ///
    /// # Errors
    /// `jose.claim.type`, `jose.claim.length`.
    pub fn string(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        self.0.get(name).map(|value| text(name, value)).transpose()
    }

    /// The same, where it has to be there.
    ///
    /// # Errors
    /// `jose.claim.missing` too.
    pub fn required_string(&self, name: &'static str) -> Result<&str, Refusal> {
        self.string(name)?.ok_or_else(|| missing(name))
    }

    /// A NumericDate (RFC 7519 section 2) in whole seconds.
    ///
    /// # Errors
    /// `jose.claim.type`.
    pub fn time(&self, name: &'static str) -> Result<Option<u64>, Refusal> {
        self.0
            .get(name)
            .map(|value| value.as_u64().ok_or_else(|| wrong_type(name, "a number of whole seconds")))
            .transpose()
    }

    /// The same, where it has to be there.
    ///
    /// # Errors
    /// `jose.claim.missing` too.
    pub fn required_time(&self, name: &'static str) -> Result<u64, Refusal> {
        self.time(name)?.ok_or_else(|| missing(name))
    }

    /// `aud`: a string or an array of strings (RFC 7519 section 4.1.3), not empty.
    ///
    /// # Errors
    /// `jose.claim.missing`, `jose.claim.type`, `jose.claim.length`.
    pub fn audience(&self) -> Result<Vec<&str>, Refusal> {
        match self.0.get("aud") {
            None => Err(missing("aud")),
            Some(Value::Array(values)) if !values.is_empty() && values.len() <= MAX_AUDIENCES => {
                values.iter().map(|value| text("aud", value)).collect()
            }
            Some(value) => text("aud", value).map(|value| vec![value]),
        }
    }
}

fn text<'a>(name: &str, value: &'a Value) -> Result<&'a str, Refusal> {
    let text = value.as_str().ok_or_else(|| wrong_type(name, "a string"))?;
    if text.is_empty() || text.len() > MAX_STRING || text.chars().any(char::is_control) {
        return Err(Refusal::misbehaved("jose.claim.length")
            .at(name)
            .expected("1 to 2,048 bytes without control characters"));
    }
    Ok(text)
}

fn missing(name: &str) -> Refusal {
    Refusal::misbehaved("jose.claim.missing").at(name).expected("the claim")
}

fn wrong_type(name: &str, expected: &str) -> Refusal {
    Refusal::misbehaved("jose.claim.type").at(name).expected(expected)
}

//! What a signature vouches for.

use postern_refusal::Refusal;

/// A value that was read from bytes whose signature is good, or from what an issuer answered that was
/// asked. Only this crate makes the first one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }

    /// The value.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// The value, taken out.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// What a rule makes of the value.
    ///
    /// # Errors
    /// Those of the rule.
    pub fn and_then<U>(self, rule: impl FnOnce(T) -> Result<U, Refusal>) -> Result<Verified<U>, Refusal> {
        rule(self.0).map(Verified)
    }
}

impl<T> Verified<Option<T>> {
    /// Nothing, or a verified value.
    pub fn transpose(self) -> Option<Verified<T>> {
        self.0.map(Verified)
    }
}

//! User stores, behind a trait.

use async_trait::async_trait;

use crate::unavailable::Unavailable;

/// A person as the user store knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Stable identifier that is never used again for somebody else.
    pub subject: String,
    /// What the person types.
    pub username: String,
    /// Claims by their OpenID Connect names: `email`, `given_name`, `groups`, ….
    pub claims: Vec<Claim>,
}

/// A claim of a person.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Claim {
    /// The claim's name, such as `email`.
    pub name: String,
    /// Its values; most claims have one.
    pub values: Vec<String>,
}

/// What a password check yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// It is this person's.
    Correct(Account),
    /// It is not, or the person is unknown or disabled. The same work is done in each case.
    Wrong,
}

/// A user store.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Compares the password. Takes the same time whether the person exists or not, and answers
    /// [`Unavailable`] (`password-queue`) when more comparisons wait than the queue holds.
    async fn check_password(&self, username: &str, password: &str) -> Result<PasswordVerdict, Unavailable>;

    /// What a device cookie of the person is bound to: it changes with each change of password, and
    /// is never another person's. `None`: unknown. Takes the same time whether the person exists or
    /// not, as far as a lookup does.
    async fn device_binding(&self, username: &str) -> Result<Option<String>, Unavailable>;

    /// The person as they are now. `None`: unknown or disabled.
    async fn account(&self, subject: &str) -> Result<Option<Account>, Unavailable>;
}

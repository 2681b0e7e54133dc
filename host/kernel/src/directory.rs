//! User stores, behind a trait.

use async_trait::async_trait;

use crate::store::Link;
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

/// What became of a change of password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordChange {
    /// The person has the new one.
    Changed,
    /// It has too few characters.
    TooShort,
    /// It has too many bytes.
    TooLong,
    /// It is the person's name.
    IsName,
    /// This user store does not change passwords, or not this person's.
    Elsewhere,
}

/// What became of a new account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Creation {
    /// It is there, with its link.
    Created(Account),
    /// The name is in use, or the identity is linked by now.
    Exists,
    /// The name or a claim is none that there can be here: a reason for the log.
    Refused(String),
    /// This user store makes no accounts.
    Elsewhere,
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

    /// Sets the person's password, who has proven that they know the present one. Ends no session.
    async fn change_password(&self, _subject: &str, _new: &str) -> Result<PasswordChange, Unavailable> {
        Ok(PasswordChange::Elsewhere)
    }

    /// Makes an account without a password for an outside identity: both are there then, or neither. The
    /// link's subject is the user store's to say.
    async fn create_account(
        &self,
        _username: &str,
        _claims: &[Claim],
        _link: Link,
    ) -> Result<Creation, Unavailable> {
        Ok(Creation::Elsewhere)
    }

    /// Writes the claims of a person whose account was made for an outside identity; false when it was not
    /// written.
    async fn update_claims(&self, _subject: &str, _claims: &[Claim]) -> Result<bool, Unavailable> {
        Ok(false)
    }

    /// Whether the person has a password to sign in with.
    async fn has_password(&self, _username: &str) -> Result<bool, Unavailable> {
        Ok(true)
    }

    /// The person as they are now. `None`: unknown or disabled.
    async fn account(&self, subject: &str) -> Result<Option<Account>, Unavailable>;
}

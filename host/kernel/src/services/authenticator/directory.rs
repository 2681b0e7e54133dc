//! Claims of people: `directory` in `wit/authenticator.wit`.

use core::fmt;

use super::AuthenticatorServices;
use crate::directory::Claim;
use crate::unavailable::Unavailable;

/// Why claims are not told.
#[derive(Debug)]
pub enum AttributeError {
    /// The component asked about a subject that it may not name.
    ForeignSubject,
    /// The operator does not grant it a claim of this name.
    Ungranted(String),
    /// Not to be had now.
    Unavailable(Unavailable),
}

impl fmt::Display for AttributeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignSubject => f.write_str(
                "authenticator.subject.foreign: it asked for the claims of a subject that it may not name",
            ),
            Self::Ungranted(name) => {
                write!(f, "authenticator.attribute.ungranted: {name:?} is not in grants.directory")
            }
            Self::Unavailable(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AttributeError {}

impl AuthenticatorServices {
    /// The same with the names of the claims that it may read. Without, it reads none.
    #[must_use]
    pub fn reading(self, readable: &[String]) -> Self {
        Self { readable: readable.to_vec(), ..self }
    }

    /// The person's claims of these names, in their order. Nobody has any who is gone or disabled.
    ///
    /// # Errors
    /// [`AttributeError`]; about the subject before the names, and nothing is looked up.
    pub async fn attributes(&self, subject: &str, names: &[String]) -> Result<Vec<Claim>, AttributeError> {
        if !self.may_name(subject) {
            return Err(AttributeError::ForeignSubject);
        }
        if let Some(name) = names.iter().find(|name| !self.readable.contains(*name)) {
            return Err(AttributeError::Ungranted(name.clone()));
        }
        let account = self.installation.directory.account(subject).await;
        let claims = account.map_err(AttributeError::Unavailable)?.map(|account| account.claims);
        let claims = claims.unwrap_or_default();
        Ok(names.iter().filter_map(|name| claims.iter().find(|claim| claim.name == *name)).cloned().collect())
    }
}

//! Claims by the names of their members.

use crate::claims::Claims;
use crate::json::Value;
use postern_refusal::Refusal;
use serde::{Deserialize, Serialize};

use super::configuration::demand;

/// Deepest claim, in names.
const MAX_NAMES: usize = 8;

/// A claim: in JSON its name, or an array of names that leads into objects, such as
/// `["realm_access", "roles"]`. A name is taken literally, dots and slashes too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct ClaimPath(Vec<String>);

#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Name(String),
    Names(Vec<String>),
}

impl From<Written> for ClaimPath {
    fn from(written: Written) -> Self {
        match written {
            Written::Name(name) => Self(vec![name]),
            Written::Names(names) => Self(names),
        }
    }
}

impl From<ClaimPath> for Written {
    fn from(path: ClaimPath) -> Self {
        match path.0.as_slice() {
            [name] => Self::Name(name.clone()),
            _ => Self::Names(path.0),
        }
    }
}

impl ClaimPath {
    /// The claim of that name.
    pub fn named(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    /// The claim to which these names lead.
    pub fn of(names: Vec<String>) -> Self {
        Self(names)
    }

    /// The value there. What is no object has no members.
    pub fn find<'a>(&self, claims: &'a Claims) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(claims.get(first)?, |value, name| value.as_object()?.get(name))
    }

    pub(super) fn check(&self, at: &str) -> Result<(), Refusal> {
        let named = |name: &String| (1..=128).contains(&name.len());
        demand(
            at,
            "1 to 8 names of 1 to 128 bytes",
            (1..=MAX_NAMES).contains(&self.0.len()) && self.0.iter().all(named),
        )
    }
}

impl core::fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

use postern_jose::KeySet;
use postern_jose::json::{Value, read_object};
use postern_refusal::Refusal;
use serde::{Deserialize, Serialize};

use crate::InForce;

/// The member of a filter's configuration that holds the [`Source`].
const MEMBER: &str = "feed";

/// Where a filter gets its configuration from, and whose word it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The proxy's cluster for the LAN.
    pub cluster: String,
    /// Host of the request, such as `sso.example.com`.
    pub authority: String,
    /// `iss` of the document, letter by letter: the public origin.
    pub issuer: String,
    /// JWK Set with the keys that sign it.
    pub keys: Value,
    /// What stands beside this, as the document had it then: nothing older is taken.
    pub in_force: InForce,
    /// Seconds from one look to the next: 1 to 3,600.
    pub interval_seconds: u64,
}

impl Source {
    /// Accepts what further keys sign too, a JWK Set: those of another node that signs with its own,
    /// or the one that signs next. A key that is there already stays.
    ///
    /// # Errors
    /// `feed.source.invalid`, the codes of [`KeySet::read`].
    pub fn accept_keys(&mut self, key_set: &[u8]) -> Result<(), Refusal> {
        KeySet::read(key_set)?;
        let mut further = read_object("keys", key_set)?;
        let Some(Value::Array(further)) = further.remove("keys") else {
            return Err(invalid("keys", "a JWK Set"));
        };
        let known = self.keys.get_mut("keys").and_then(Value::as_array_mut);
        let known = known.ok_or_else(|| invalid("feed.keys", "a JWK Set"))?;
        for key in further {
            if !known.contains(&key) {
                known.push(key);
            }
        }
        self.key_set().map(drop)
    }

    /// # Errors
    /// `feed.source.invalid`: what of it can't be used; the codes of [`KeySet::read`].
    pub fn key_set(&self) -> Result<KeySet, Refusal> {
        if !(1..=3_600).contains(&self.interval_seconds) {
            return Err(invalid("feed.interval_seconds", "1 to 3,600"));
        }
        for (name, value) in [
            ("feed.cluster", &self.cluster),
            ("feed.authority", &self.authority),
            ("feed.issuer", &self.issuer),
        ] {
            if value.is_empty() {
                return Err(invalid(name, "a value"));
            }
        }
        KeySet::read(self.keys.to_string().as_bytes())
    }
}

/// Takes the [`Source`] out of a filter's configuration. What is left is the filter's own, byte by
/// byte when there is no source.
///
/// # Errors
/// `feed.source.invalid`, the `json.…` codes, the codes of [`Source::key_set`].
pub fn split_configuration(bytes: Vec<u8>) -> Result<(Option<Source>, Vec<u8>), Refusal> {
    if bytes.is_empty() {
        return Ok((None, bytes));
    }
    let mut object = read_object("configuration", &bytes)?;
    let Some(source) = object.remove(MEMBER) else { return Ok((None, bytes)) };
    let source: Source =
        serde_json::from_value(source).map_err(|error| invalid(MEMBER, &error.to_string()))?;
    source.key_set()?;
    Ok((Some(source), Value::Object(object).to_string().into_bytes()))
}

fn invalid(element: &str, expected: &str) -> Refusal {
    Refusal::configuration("feed.source.invalid").at(element).expected(expected)
}

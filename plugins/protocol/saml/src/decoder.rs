use std::collections::BTreeMap;
use std::rc::Rc;

use postern_refusal::Refusal;
use serde::{Deserialize, Serialize};

use crate::{EdgeRelyingParty, Policy};

/// Configuration of the DMZ filter `saml-decoder`: what the host writes and the filter reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecoderConfiguration {
    /// Paths whose requests are judged. Requests to other paths are not looked at.
    #[serde(default = "default_paths")]
    pub paths: Vec<String>,
    /// What requests are judged by.
    pub policy: Policy,
    /// Requests of each kind, signed and unsigned, that all workers together remember at once. See
    /// [`crate::ReplayTable`].
    #[serde(default = "default_replay_slots")]
    pub replay_slots: u32,
    /// Registered relying parties.
    pub relying_parties: Vec<EdgeRelyingParty>,
}

impl DecoderConfiguration {
    /// The configuration for a policy and its relying parties.
    pub fn new(policy: Policy, relying_parties: Vec<EdgeRelyingParty>) -> Self {
        Self { paths: default_paths(), policy, replay_slots: default_replay_slots(), relying_parties }
    }

    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// `saml.decoder.configuration`, which names the field.
    pub fn from_json(json: &[u8]) -> Result<Self, Refusal> {
        let wrong = |field: &str, expected: &str| {
            Refusal::configuration("saml.decoder.configuration").at(field).expected(expected)
        };
        let configuration: Self = serde_json::from_slice(json)
            .map_err(|error| wrong("saml-decoder", "a valid configuration").found(&error.to_string()))?;
        if configuration.paths.is_empty() || configuration.paths.iter().any(|path| !path.starts_with('/')) {
            return Err(wrong("paths", "absolute paths, one at least"));
        }
        if configuration.policy.destinations.is_empty() {
            return Err(wrong("policy.destinations", "one at least"));
        }
        if !(1..=1 << 16).contains(&configuration.replay_slots) {
            return Err(wrong("replay_slots", "1 to 65536"));
        }
        if configuration.registry().len() != configuration.relying_parties.len() {
            return Err(wrong("relying_parties", "entity IDs that differ"));
        }
        Ok(configuration)
    }

    /// The relying parties by entity ID.
    pub fn registry(&self) -> BTreeMap<String, Rc<EdgeRelyingParty>> {
        self.relying_parties.iter().map(|party| (party.entity_id.clone(), Rc::new(party.clone()))).collect()
    }
}

fn default_paths() -> Vec<String> {
    vec!["/samlsso".to_owned()]
}

fn default_replay_slots() -> u32 {
    16_384
}

//! The DMZ filter `saml-decoder`, as far as it is not a proxy's business.
use std::collections::BTreeMap;
use std::rc::Rc;

use postern_endpoint::RequestTarget;
use postern_refusal::Refusal;
use postern_signature::Verifier;
use serde::{Deserialize, Serialize};

use crate::{Continuation, EdgeRelyingParty, Incoming, Judged, Policy, ReplayTable, SharedMemory, judge};

/// Configuration of the DMZ filter `saml-decoder`: what the host writes and the filter reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecoderConfiguration {
    /// Paths whose requests are judged, letter by letter.
    #[serde(default = "default_paths")]
    pub paths: Vec<String>,
    /// Paths that pass without a look although they hold a judged path, such as
    /// `/realms/x/protocol/saml/descriptor`, or take SAML messages that are not the identity
    /// provider's, such as the logout of an application behind the same proxy.
    #[serde(default)]
    pub unjudged_paths: Vec<String>,
    /// GETs of judged paths that carry no message but go on with a sign-on under way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub continuations: Vec<Continuation>,
    /// What the paths of other applications have to be.
    #[serde(default)]
    pub other_paths: OtherPaths,
    /// What requests are judged by.
    pub policy: Policy,
    /// Messages of each kind, signed and unsigned, that all workers together remember at once: 1
    /// to 65,536. See [`ReplayTable`].
    #[serde(default = "default_replay_slots")]
    pub replay_slots: u32,
    /// Registered relying parties.
    pub relying_parties: Vec<EdgeRelyingParty>,
}

/// What the paths of other applications have to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OtherPaths {
    /// Canonical, as [`RequestTarget`] has it: no server can read them in two ways.
    #[default]
    Canonical,
    /// Anything that [`crate::addresses`] does not take for a judged path: for applications whose
    /// paths have matrix parameters (`;jsessionid=`) or encoded slashes. A server that reads paths
    /// in a way that nobody has thought of yet could then still be led to a judged one.
    AnyUnambiguous,
}

impl DecoderConfiguration {
    /// The configuration for a policy and its relying parties.
    pub fn new(policy: Policy, relying_parties: Vec<EdgeRelyingParty>) -> Self {
        Self {
            paths: default_paths(),
            unjudged_paths: Vec::new(),
            continuations: Vec::new(),
            other_paths: OtherPaths::default(),
            policy,
            replay_slots: default_replay_slots(),
            relying_parties,
        }
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
        if configuration.paths.is_empty() || !configuration.paths.iter().all(|path| is_plain(path)) {
            return Err(wrong("paths", "canonical paths without query and not `/`, one at least"));
        }
        let unjudged = &configuration.unjudged_paths;
        if !unjudged.iter().all(|path| is_plain(path) && !configuration.paths.contains(path)) {
            return Err(wrong("unjudged_paths", "canonical paths that are not in `paths`"));
        }
        if !configuration.continuations.iter().all(|own| own.is_sound(&configuration.paths)) {
            return Err(wrong("continuations", "a path of `paths`, and names that carry no message"));
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

/// The decoder: what a filter does with a message once it has all of it.
#[derive(Debug)]
pub struct Decoder {
    configuration: DecoderConfiguration,
    registry: BTreeMap<String, Rc<EdgeRelyingParty>>,
    replays: ReplayTable,
}

impl Decoder {
    /// A decoder with this configuration, which [`DecoderConfiguration::from_json`] has checked.
    pub fn new(configuration: DecoderConfiguration) -> Self {
        Self {
            registry: configuration.registry(),
            replays: ReplayTable::new(configuration.replay_slots),
            configuration,
        }
    }

    /// Its configuration.
    pub fn configuration(&self) -> &DecoderConfiguration {
        &self.configuration
    }

    /// Judges a message as the LAN would, and remembers it in the memory that all workers share.
    /// `now` is in seconds since 1970, none when the proxy has no clock.
    ///
    /// # Errors
    /// `saml.clock.absent`, those of [`judge()`] and of [`ReplayTable::remember`].
    pub fn judge(
        &self,
        incoming: Incoming<'_>,
        now: Option<u64>,
        verifier: &dyn Verifier,
        memory: &dyn SharedMemory,
    ) -> Result<Judged, Refusal> {
        let now = now.ok_or_else(|| {
            Refusal::internal("saml.clock.absent").with_status(503).expected("a proxy with a clock")
        })?;
        let lookup = |entity_id: &str| Ok(self.registry.get(entity_id).map(Rc::clone));
        let judged = judge(incoming, &lookup, &self.configuration.policy, now, verifier)?;
        if let Some(message) = judged.once() {
            self.replays.remember(&message, now, memory)?;
        }
        Ok(judged)
    }
}

/// Whether it is a path that can be compared letter by letter.
fn is_plain(path: &str) -> bool {
    let canonical = RequestTarget::parse(path.as_bytes()).is_ok_and(|target| target.query().is_none());
    canonical && path != "/"
}

fn default_paths() -> Vec<String> {
    vec!["/samlsso".to_owned()]
}

fn default_replay_slots() -> u32 {
    16_384
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;

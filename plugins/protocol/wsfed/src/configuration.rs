//! The part of a DMZ filter's configuration that is about this protocol.
use std::collections::BTreeSet;

use postern_refusal::Refusal;
use serde::{Deserialize, Serialize};

use crate::parameters::{has_meaning, may_be_ignored};
use crate::{Policy, Realm};

/// What the host writes and the filter reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// Paths whose requests are judged, letter by letter.
    #[serde(default = "default_paths")]
    pub paths: Vec<String>,
    /// What requests are judged by.
    #[serde(default)]
    pub policy: Policy,
    /// Registered relying parties.
    pub realms: Vec<Realm>,
}

impl Configuration {
    /// Checks what the types cannot say. Whether the paths are plain is the filter's to check.
    ///
    /// # Errors
    /// `wsfed.configuration`, and those of [`Realm::check`]: with the field that is wrong.
    pub fn check(&self) -> Result<(), Refusal> {
        let wrong = |field: &str, expected: &str| {
            Refusal::configuration("wsfed.configuration").at(field).expected(expected)
        };
        for (number, realm) in self.realms.iter().enumerate() {
            realm.check().map_err(|refusal| {
                let field = format!("realms[{number}].{}", refusal.element);
                refusal.at(&field)
            })?;
        }
        let names: BTreeSet<&str> = self.realms.iter().map(|realm| realm.realm.as_str()).collect();
        if names.len() != self.realms.len() {
            return Err(wrong("realms", "names that differ"));
        }
        let policy = &self.policy;
        if !policy.ignored_parameters.iter().all(|name| may_be_ignored(name)) {
            return Err(wrong(
                "policy.ignored_parameters",
                "literal names without a meaning in WS-Federation or SAML",
            ));
        }
        if !policy.companions.are_sound(has_meaning) {
            return Err(wrong("policy.companions", "names without a meaning here, and plain values"));
        }
        if policy.clock_skew > 600 || policy.max_age > 3_600 {
            return Err(wrong("policy", "clock_skew up to 600, max_age up to 3600 seconds"));
        }
        if policy.limits.max_message > 1 << 20 || policy.limits.max_body > 1 << 20 {
            return Err(wrong("policy.limits", "1 MiB at most"));
        }
        Ok(())
    }
}

fn default_paths() -> Vec<String> {
    vec!["/passivests".to_owned()]
}

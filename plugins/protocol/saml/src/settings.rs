use postern_form::Companions;
use postern_refusal::Refusal;
use postern_signature::Algorithm;
use serde::{Deserialize, Serialize};

use crate::policy::{default_algorithms, default_max_age, default_skew, jwa_names};
use crate::{MessageLimits, Policy};

/// The module's settings, as the operator writes them. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModuleSettings {
    /// Our entity ID. By default the URL of our metadata.
    pub entity_id: Option<String>,
    /// How far a peer's clock may be off.
    pub clock_skew: u64,
    /// How old a request may be.
    pub max_age: u64,
    /// How long a Response may be used.
    pub assertion_lifetime: u64,
    /// Bounds of messages.
    pub limits: MessageLimits,
    /// Signature algorithms that relying parties may use, by their JWA names.
    #[serde(with = "jwa_names")]
    pub algorithms: Vec<Algorithm>,
}

impl Default for ModuleSettings {
    fn default() -> Self {
        Self {
            entity_id: None,
            clock_skew: default_skew(),
            max_age: default_max_age(),
            assertion_lifetime: 300,
            limits: MessageLimits::default(),
            algorithms: default_algorithms(),
        }
    }
}

impl ModuleSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// `saml.settings.malformed`, `saml.settings.out-of-range`.
    pub fn from_json(json: &str) -> Result<Self, Refusal> {
        let settings: Self = serde_json::from_str(json).map_err(|error| {
            Refusal::configuration("saml.settings.malformed")
                .expected("settings of the module saml2")
                .found(&error.to_string())
        })?;
        let bounded = |name: &str, value: u64, most: u64| {
            if value <= most {
                return Ok(());
            }
            Err(Refusal::configuration("saml.settings.out-of-range")
                .at(name)
                .expected(&format!("{most} seconds at most"))
                .found(&value.to_string()))
        };
        bounded("clock_skew", settings.clock_skew, 600)?;
        bounded("max_age", settings.max_age, 3_600)?;
        bounded("assertion_lifetime", settings.assertion_lifetime, 3_600)?;
        Ok(settings)
    }

    /// What requests to the origin are judged by.
    pub fn policy(&self, base_url: &str) -> Policy {
        Policy {
            destinations: vec![format!("{base_url}/samlsso")],
            // The component has none: docs/limits.md.
            single_logout: false,
            companions: Companions::default(),
            issuer_qualifier: None,
            clock_skew: self.clock_skew,
            max_age: self.max_age,
            limits: self.limits,
            algorithms: self.algorithms.clone(),
        }
    }

    /// Our entity ID at that origin.
    pub fn entity_id(&self, base_url: &str) -> String {
        self.entity_id.clone().unwrap_or_else(|| format!("{base_url}/identity/metadata/saml2"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_bounded() {
        let code =
            |json: &str| ModuleSettings::from_json(json).map(|_| "accepted").unwrap_or_else(|r| r.code);
        assert_eq!(ModuleSettings::from_json("{}").unwrap(), ModuleSettings::default());
        assert_eq!(code("{\"clock_skew\":600,\"max_age\":3600,\"assertion_lifetime\":3600}"), "accepted");
        for json in ["", "{\"clock_skw\":1}", "{\"clock_skew\":-1}", "{\"algorithms\":[\"none\"]}"] {
            assert_eq!(code(json), "saml.settings.malformed", "{json}");
        }
        for json in ["{\"clock_skew\":601}", "{\"max_age\":3601}", "{\"assertion_lifetime\":3601}"] {
            assert_eq!(code(json), "saml.settings.out-of-range", "{json}");
        }
    }
}

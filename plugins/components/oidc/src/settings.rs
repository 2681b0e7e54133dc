//! The module's settings, as the operator wrote them.

use crate::bindings::kernel;
use postern_jose::json::{Value, read_object};
use postern_jose::{DEFAULT_CLOCK_SKEW, MAX_CLOCK_SKEW};
use postern_refusal::Refusal;
use serde::Deserialize;

/// All members are optional.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Seconds that an authorization code can be exchanged: 10 to 600.
    pub(crate) code_lifetime: u64,
    /// Seconds that clocks may differ: 0 to 300.
    pub(crate) clock_skew: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { code_lifetime: 60, clock_skew: DEFAULT_CLOCK_SKEW }
    }
}

impl Settings {
    /// # Errors
    /// `oidc.settings.invalid`, naming the field.
    pub(crate) fn read() -> Result<Self, Refusal> {
        let invalid = |found: &str| {
            Refusal::configuration("oidc.settings.invalid")
                .at("settings")
                .expected("code_lifetime from 10 to 600, clock_skew of 300 at most")
                .found(found)
        };
        let object = read_object("settings", kernel::settings().as_bytes())
            .map_err(|error| invalid(&error.to_string()))?;
        let settings: Self =
            serde_json::from_value(Value::Object(object)).map_err(|error| invalid(&error.to_string()))?;
        if !(10..=600).contains(&settings.code_lifetime) {
            return Err(invalid("code_lifetime"));
        }
        if settings.clock_skew > MAX_CLOCK_SKEW {
            return Err(invalid("clock_skew"));
        }
        Ok(settings)
    }
}

//! What the operator may set.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_authenticator::{Step, unavailable};
use postern_webauthn::UserVerification;
use serde::Deserialize;

pub(crate) const SCHEMA: &str = r#"{"type":"object","additionalProperties":false,"properties":{
"user_verification":{"enum":["required","preferred"],"description":"Whether a passkey has to know its user also where it is a further factor. In the first step it always has to."},
"trust_anchors":{"type":"array","items":{"type":"string"},"description":"Base64 of the DER of certificates. When there are any, only authenticators that one of them vouches for are set up."}}}"#;

#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) requires_user_verification: bool,
    /// DER.
    pub(crate) trust_anchors: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    user_verification: Preference,
    #[serde(default)]
    trust_anchors: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Preference {
    Required,
    #[default]
    Preferred,
}

impl Settings {
    pub(crate) fn read(json: &str) -> Option<Self> {
        // A derived reader takes a list of the values as well.
        let written: Written = json.starts_with('{').then(|| serde_json::from_str(json).ok()).flatten()?;
        let anchors = written.trust_anchors.iter().map(|anchor| STANDARD.decode(anchor).ok());
        Some(Self {
            requires_user_verification: matches!(written.user_verification, Preference::Required),
            trust_anchors: anchors.collect::<Option<_>>()?,
        })
    }

    /// In a further step.
    pub(crate) fn user_verification(&self) -> UserVerification {
        if self.requires_user_verification { UserVerification::Required } else { UserVerification::Preferred }
    }
}

pub(crate) fn wrong() -> Step {
    unavailable("its settings are not those of the schema")
}

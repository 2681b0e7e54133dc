//! What the operator sets.

use serde::Deserialize;

pub(crate) const SCHEMA: &str = r#"{"type":"object","additionalProperties":false,"required":["realms"],"properties":{
"realms":{"type":"array","items":{"type":"string","minLength":1,"maxLength":128},"minItems":1,"maxItems":8,"description":"The realms whose people sign in, letter by letter: [\"EXAMPLE.COM\"]."},
"stands_for_fresh":{"type":"boolean","description":"Whether a ticket will do where people have to prove anew who they are, or to have done so not long ago."}}}"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    realms: Vec<String>,
    #[serde(default)]
    pub(crate) stands_for_fresh: bool,
}

impl Settings {
    /// Or what is wrong with them, for the log.
    pub(crate) fn read(json: &str) -> Result<Self, String> {
        let wrong = || "its settings are not those of the schema".to_owned();
        // A derived reader takes a list of the values as well.
        let object = Some(json).filter(|json| json.starts_with('{')).ok_or_else(wrong)?;
        serde_json::from_str(object).map_err(|_| wrong())
    }

    /// Whether its people sign in. Compared letter by letter, as Kerberos does (RFC 4120 section 6.1).
    pub(crate) fn has(&self, realm: &str) -> bool {
        self.realms.iter().any(|known| known == realm)
    }
}

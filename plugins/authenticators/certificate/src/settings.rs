//! What the operator sets.

use postern_x509::{Authority, NameKind, certificates_of_pem};
use serde::Deserialize;

pub(crate) const SCHEMA: &str = r#"{"type":"object","additionalProperties":false,"required":["trust_anchors"],"properties":{
"trust_anchors":{"type":"string","description":"PEM of the authorities whose certificates people sign in with."},
"intermediates":{"type":"string","description":"PEM of the authorities between these and the certificates."},
"bound_to":{"enum":["certificate","san-email","san-upn","subject-cn","subject-serial-number"],"description":"What is known of a person afterwards: this certificate alone, or a name in it, so that its successor with the same name is theirs too."},
"key":{"enum":["software","hardware","smart-card"],"description":"Where these authorities let keys be kept: what is claimed of a sign-in."}}}"#;

pub(crate) struct Settings {
    pub(crate) anchors: Vec<Authority>,
    pub(crate) intermediates: Vec<Authority>,
    /// None: to the certificate itself.
    pub(crate) bound_to: Option<NameKind>,
    pub(crate) kept: Kept,
}

/// Where the key is, by the word of the operator.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kept {
    #[default]
    Software,
    Hardware,
    SmartCard,
}

impl Kept {
    pub(crate) const ALL: [Self; 3] = [Self::Software, Self::Hardware, Self::SmartCard];

    /// RFC 8176.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::Software => "swk",
            Self::Hardware => "hwk",
            Self::SmartCard => "sc",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    trust_anchors: String,
    #[serde(default)]
    intermediates: String,
    #[serde(default)]
    bound_to: Option<String>,
    #[serde(default)]
    key: Kept,
}

impl Settings {
    /// Or what is wrong with them, for the log.
    pub(crate) fn read(json: &str) -> Result<Self, String> {
        let wrong = || "its settings are not those of the schema".to_owned();
        // A derived reader takes a list of the values as well.
        let object = Some(json).filter(|json| json.starts_with('{')).ok_or_else(wrong)?;
        let written: Written = serde_json::from_str(object).map_err(|_| wrong())?;
        let bound_to = match written.bound_to.as_deref() {
            None | Some("certificate") => None,
            Some(name) => {
                Some(NameKind::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(wrong)?)
            }
        };
        let intermediates = match written.intermediates.trim() {
            "" => Vec::new(),
            _ => authorities("intermediates", &written.intermediates)?,
        };
        let anchors = authorities("trust_anchors", &written.trust_anchors)?;
        Ok(Self { anchors, intermediates, bound_to, kept: written.key })
    }
}

fn authorities(field: &str, pem: &str) -> Result<Vec<Authority>, String> {
    let read = certificates_of_pem(pem)
        .and_then(|all| all.iter().map(|der| Authority::read(der)).collect::<Result<Vec<_>, _>>());
    read.map_err(|refusal| format!("{field}: {refusal}"))
}

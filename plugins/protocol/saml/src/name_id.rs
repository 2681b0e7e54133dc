use serde::{Deserialize, Serialize};

use crate::NameIdPolicy;

/// A NameID format (SAML core section 8.3) that Postern issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NameIdFormat {
    /// Whatever the registration's claim holds.
    #[serde(rename = "unspecified")]
    Unspecified,
    /// An e-mail address.
    #[serde(rename = "emailAddress")]
    EmailAddress,
    /// Pairwise and stable: tells another relying party nothing.
    #[serde(rename = "persistent")]
    Persistent,
    /// New at every sign-in.
    #[serde(rename = "transient")]
    Transient,
}

impl NameIdFormat {
    /// Every format, as metadata lists them.
    pub const ALL: [Self; 4] = [Self::Persistent, Self::Transient, Self::EmailAddress, Self::Unspecified];

    /// The identifier in messages.
    pub fn uri(self) -> &'static str {
        match self {
            Self::Unspecified => "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
            Self::EmailAddress => "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
            Self::Persistent => "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            Self::Transient => "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
        }
    }

    /// The format of an identifier in a message.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.uri() == uri)
    }
}

/// Which NameIDs a relying party gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameIdSettings {
    /// The format when the request asks for none.
    #[serde(default = "default_format")]
    pub default: NameIdFormat,
    /// Formats that a request may ask for.
    #[serde(default = "all_formats")]
    pub allowed: Vec<NameIdFormat>,
    /// The claim that is the NameID of format unspecified.
    #[serde(default = "default_name_claim")]
    pub unspecified_claim: String,
    /// The claim that is the NameID of format emailAddress.
    #[serde(default = "default_email_claim")]
    pub email_claim: String,
}

impl Default for NameIdSettings {
    fn default() -> Self {
        Self {
            default: default_format(),
            allowed: all_formats(),
            unspecified_claim: default_name_claim(),
            email_claim: default_email_claim(),
        }
    }
}

impl NameIdSettings {
    /// The format to answer with. None: what is asked for cannot be had, answer InvalidNameIDPolicy.
    /// `unspecified` in a request leaves the choice to us (SAML core section 3.4.1.1).
    pub fn choose(&self, policy: Option<&NameIdPolicy>, entity_id: &str) -> Option<NameIdFormat> {
        let Some(policy) = policy else { return Some(self.default) };
        if policy.sp_name_qualifier.as_deref().is_some_and(|qualifier| qualifier != entity_id) {
            return None;
        }
        match policy.format.as_deref() {
            None => Some(self.default),
            Some(uri) => match NameIdFormat::from_uri(uri)? {
                NameIdFormat::Unspecified => Some(self.default),
                format => self.allowed.contains(&format).then_some(format),
            },
        }
    }
}

fn default_format() -> NameIdFormat {
    NameIdFormat::Persistent
}

fn all_formats() -> Vec<NameIdFormat> {
    NameIdFormat::ALL.to_vec()
}

fn default_name_claim() -> String {
    "preferred_username".to_owned()
}

fn default_email_claim() -> String {
    "email".to_owned()
}

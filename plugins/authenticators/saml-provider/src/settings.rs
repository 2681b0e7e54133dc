//! What the operator sets.

use std::collections::BTreeMap;

use postern_refusal::Refusal;
use postern_saml::{FederatedProvider, NameIdFormat, RequestBinding, read_federated_provider};
use serde::Deserialize;

pub(crate) const SCHEMA: &str = r#"{"type":"object","additionalProperties":false,"required":["metadata"],"properties":{
"metadata":{"type":"string","minLength":1,"description":"The identity provider's metadata: its EntityDescriptor as XML."},
"entity_id":{"type":"string","minLength":1,"maxLength":1024,"description":"What we are called there; by default the URL where Responses arrive."},
"name_id_format":{"enum":["persistent","emailAddress","unspecified","transient"],"description":"The NameID that is asked for and accepted; persistent by default."},
"subject":{"type":"string","minLength":1,"maxLength":256,"description":"The attribute that names a person for ever, in the place of the NameID. Needed with transient NameIDs."},
"claims":{"type":"object","additionalProperties":{"type":"string"},"description":"Claims by the names of the attributes that they are taken from: email = \"urn:oid:0.9.2342.19200300.100.1.3\"."},
"contexts":{"type":"object","additionalProperties":{"enum":["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport","https://refeds.org/profile/mfa"]},"description":"What an authentication context of theirs is worth here. Without an entry: unspecified."},
"request_contexts":{"type":"array","items":{"type":"string"},"maxItems":8,"description":"Authentication contexts, one of which is asked for."},
"request_binding":{"enum":["redirect","post"],"description":"How requests are sent. By default by HTTP-Redirect where the metadata has it, and else by HTTP-POST."},
"force":{"type":"boolean","description":"Whether people have to prove there anew who they are, each time."},
"clock_skew":{"type":"integer","minimum":0,"maximum":300,"description":"Seconds that its clock may be off; 60 by default."}}}"#;

pub(crate) struct Settings {
    pub(crate) provider: FederatedProvider,
    pub(crate) written: Written,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    metadata: String,
    pub(crate) entity_id: Option<String>,
    #[serde(default = "persistent")]
    pub(crate) name_id_format: NameIdFormat,
    pub(crate) subject: Option<String>,
    #[serde(default)]
    pub(crate) claims: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) contexts: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) request_contexts: Vec<String>,
    request_binding: Option<Binding>,
    #[serde(default)]
    pub(crate) force: bool,
    #[serde(default = "skew")]
    pub(crate) clock_skew: u64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Binding {
    Redirect,
    Post,
}

fn persistent() -> NameIdFormat {
    NameIdFormat::Persistent
}

fn skew() -> u64 {
    60
}

impl Settings {
    /// # Errors
    /// What is wrong with them, for the log.
    pub(crate) fn read(json: &str, now: u64) -> Result<Self, String> {
        let written: Written =
            serde_json::from_str(json).map_err(|_| "its settings are not those of the schema".to_owned())?;
        let provider = read_federated_provider(written.metadata.as_bytes(), now)
            .map_err(|refusal| refusal.to_string())?;
        Ok(Self { provider, written })
    }

    /// How our request goes to the provider, and where to.
    pub(crate) fn service(&self) -> Result<(RequestBinding, &str), Refusal> {
        let wanted = self.written.request_binding.map(|binding| match binding {
            Binding::Redirect => RequestBinding::Redirect,
            Binding::Post => RequestBinding::Post,
        });
        self.provider.service(wanted)
    }

    /// What we are called at the provider.
    pub(crate) fn entity_id<'s>(&'s self, consumer_url: &'s str) -> &'s str {
        self.written.entity_id.as_deref().unwrap_or(consumer_url)
    }
}

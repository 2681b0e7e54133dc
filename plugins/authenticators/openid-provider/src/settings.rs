//! What the operator sets.

use std::collections::BTreeMap;

use postern_signature::Algorithm;
use serde::Deserialize;

pub(crate) const SCHEMA: &str = r#"{"type":"object","additionalProperties":false,"required":["issuer","client_id"],"properties":{
"issuer":{"type":"string","minLength":9,"maxLength":512,"description":"The provider's issuer, letter by letter as its discovery document has it."},
"client_id":{"type":"string","minLength":1,"maxLength":256},
"credential":{"type":"string","minLength":1,"maxLength":64,"description":"Name of the secret (secrets.NAME) with which the token endpoint is called. Without it: a public client."},
"scopes":{"type":"array","maxItems":16,"items":{"type":"string","minLength":1,"maxLength":128},"description":"Beside openid. By default profile and email."},
"claims":{"type":"object","additionalProperties":{"type":"string","minLength":1,"maxLength":256},"description":"Our name of a claim = the provider's. By default email, name, given_name, family_name and preferred_username as they are."},
"trust_unverified":{"type":"boolean","description":"Whether e-mail addresses and telephone numbers are taken that the provider has not verified."},
"userinfo":{"type":"boolean","description":"Whether UserInfo is asked for claims that the ID token does not have."},
"algorithms":{"type":"array","minItems":1,"items":{"enum":["RS256","PS256","ES256","EdDSA"]},"description":"What may have signed ID tokens. By default all four."},
"clock_skew":{"type":"integer","minimum":0,"maximum":300,"description":"Seconds that the provider's clock may differ. By default 30."},
"prompt":{"enum":["login","consent","select_account"]},
"max_age":{"type":"integer","minimum":0,"maximum":31536000,"description":"Seconds since the person signed in at the provider, at most."},
"auth_time_may_lack":{"type":"boolean","description":"Whether an ID token is believed that does not say when the person signed in, where that has to be recent."},
"acr_values":{"type":"string","minLength":1,"maxLength":512},
"mfa_contexts":{"type":"array","maxItems":16,"items":{"type":"string","minLength":1,"maxLength":256},"description":"Values of acr that stand for several factors."}}}"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) credential: Option<String>,
    #[serde(default = "scopes")]
    pub(crate) scopes: Vec<String>,
    #[serde(default = "claims")]
    pub(crate) claims: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) trust_unverified: bool,
    #[serde(default)]
    pub(crate) userinfo: bool,
    #[serde(default)]
    algorithms: Option<Vec<String>>,
    #[serde(default = "clock_skew")]
    pub(crate) clock_skew: u64,
    pub(crate) prompt: Option<String>,
    pub(crate) max_age: Option<u64>,
    #[serde(default)]
    pub(crate) auth_time_may_lack: bool,
    pub(crate) acr_values: Option<String>,
    #[serde(default)]
    pub(crate) mfa_contexts: Vec<String>,
}

fn scopes() -> Vec<String> {
    ["profile", "email"].map(Into::into).into()
}

fn claims() -> BTreeMap<String, String> {
    ["email", "name", "given_name", "family_name", "preferred_username"]
        .map(|name| (name.into(), name.into()))
        .into()
}

fn clock_skew() -> u64 {
    30
}

/// Those that the host verifies.
const ALGORITHMS: [Algorithm; 4] = [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa];

impl Settings {
    pub(crate) fn read(json: &str) -> Option<Self> {
        // A derived reader takes a list of the values as well.
        json.starts_with('{').then(|| serde_json::from_str(json).ok()).flatten()
    }

    pub(crate) fn algorithms(&self) -> Vec<Algorithm> {
        let is_allowed = |algorithm: &Algorithm| match &self.algorithms {
            None => true,
            Some(names) => names.iter().any(|name| name == algorithm.jwa_name()),
        };
        ALGORITHMS.into_iter().filter(is_allowed).collect()
    }

    /// With `openid`.
    pub(crate) fn all_scopes(&self) -> Vec<&str> {
        let others = self.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid");
        core::iter::once("openid").chain(others).collect()
    }
}

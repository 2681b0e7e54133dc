use postern_refusal::Refusal;
use postern_saml::NameIdFormat;
use serde::{Deserialize, Serialize};

/// What a sign-on has to remember until it is answered. The kernel keeps it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    /// The relying party's entity ID.
    pub(crate) entity_id: String,
    /// The consumer service's URL.
    pub(crate) acs: String,
    /// ID of the request. None: sign-on began here.
    pub(crate) in_response_to: Option<String>,
    /// RelayState, to be returned unchanged.
    pub(crate) relay_state: Option<String>,
    /// The NameID's format.
    pub(crate) name_id_format: NameIdFormat,
}

impl State {
    pub(crate) fn write(&self) -> Result<Vec<u8>, Refusal> {
        serde_json::to_vec(self).map_err(|_| Refusal::internal("saml.state.malformed"))
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(bytes).map_err(|_| Refusal::internal("saml.state.malformed"))
    }
}

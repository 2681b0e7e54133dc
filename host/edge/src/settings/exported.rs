//! What Postern in the LAN tells the proxy's machine.

use postern_endpoint::{Assets, Endpoint};
use postern_feed::Source;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `postern edge export` writes it. Of a registration only what its module names for the edge is
/// in it; there is no secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exported {
    /// What the enabled modules declare.
    pub endpoints: Vec<Endpoint>,
    /// Static files of the pages.
    pub assets: Vec<Assets>,
    /// The SAML decoder's configuration, when the module is enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saml_decoder: Option<Value>,
    /// The token validator's configuration, when there are routes for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_validator: Option<Value>,
    /// Where the filters fetch what is registered later, and who signs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<Source>,
    /// Headers that policies are told of: the proxy takes off what a client says under these names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_headers: Vec<String>,
}

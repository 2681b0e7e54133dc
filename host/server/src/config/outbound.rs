//! `[outbound]` and what an authenticator is given for its calls.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// `[outbound]`: calls of authenticators to the hosts that `grants.outbound` names.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Outbound {
    /// PEM: who may have issued the certificates of those hosts. Without it: whom the system trusts.
    pub(crate) ca: Option<PathBuf>,
}

/// `[authenticators.modules.NAME.secrets.SECRET]`: what the host adds to a request. The component never
/// sees it.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Secret {
    /// One of `grants.outbound`: it is sent to this host alone.
    pub(crate) host: String,
    pub(crate) kind: SecretKind,
    /// With `kind = "basic"`: the name beside it, such as a client identifier.
    pub(crate) username: Option<String>,
    /// A file with the secret in its first line.
    pub(crate) file: PathBuf,
}

/// The scheme of the header Authorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SecretKind {
    /// Name and secret, encoded as RFC 6749 section 2.3.1 has it.
    Basic,
    /// The secret alone (RFC 6750).
    Bearer,
}

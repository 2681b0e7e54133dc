//! `[kerberos]`: the service that browsers get tickets for.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// `[kerberos]`
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kerberos {
    /// A file of format 5.02 with the service's keys, of mode 0600 or 0400.
    pub(crate) keytab: PathBuf,
    /// Such as `HTTP/sso.example.com@EXAMPLE.COM`: `HTTP`, the host name that browsers see, the realm.
    pub(crate) service: String,
}

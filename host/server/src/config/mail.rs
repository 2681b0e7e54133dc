//! `[mail]`: the server that takes messages to people.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Duration;

/// Seconds that a message may take at most: a call of a component ends after ten.
pub(crate) const LONGEST_SENDING: u64 = 8;

/// `[mail]`
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mail {
    /// Its name, which its certificate has to have.
    pub(crate) server: String,
    /// By default 465 with `tls = "required"`, 587 with `"starttls"`, 25 with `"off"`.
    pub(crate) port: Option<u16>,
    #[serde(default)]
    pub(crate) tls: MailTls,
    /// PEM: who may have issued its certificate. Without it: whom the system trusts.
    pub(crate) ca: Option<PathBuf>,
    /// The sender's address.
    pub(crate) from: String,
    pub(crate) username: Option<String>,
    /// A file with the password in its first line.
    pub(crate) password_file: Option<PathBuf>,
    /// How long a message may take.
    #[serde(default = "timeout")]
    pub(crate) timeout: Duration,
}

fn timeout() -> Duration {
    Duration(5)
}

/// How the connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MailTls {
    /// TLS from the first byte on (RFC 8314).
    #[default]
    Required,
    /// STARTTLS (RFC 3207). A server that does not offer it gets no message.
    Starttls,
    /// None.
    Off,
}

impl Mail {
    /// The port, given or by default.
    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            MailTls::Required => 465,
            MailTls::Starttls => 587,
            MailTls::Off => 25,
        })
    }
}

//! What the operator grants a single authenticator.

use std::collections::BTreeMap;

use postern_kernel::flow::{AccountRules, UnknownIdentity};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Secret;

/// Smallest and largest memory of a component, in MiB. The largest is the sandbox's own.
pub(crate) const MEMORY_MIB: std::ops::RangeInclusive<u32> = 1..=64;

/// `[authenticators.modules.NAME]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AuthenticatorModule {
    /// The file that it runs, without `.wasm`: several may run the same one. The entry's own name by default.
    pub(crate) component: Option<String>,
    /// What people read on its button and page, instead of the component's own title.
    pub(crate) title: Option<String>,
    /// What it may import beyond clock, randomness and log. Without it: nothing, or for those that come
    /// along what they need.
    pub(crate) grants: Option<Grants>,
    /// Hosts that it may send people to, such as `login.example.org` or `login.example.org:8443`. Empty: our
    /// own `/commonauth/…` alone. Left out: it sends nobody anywhere, and there is no path to come back to.
    pub(crate) redirects: Option<Vec<String>>,
    /// What becomes of identities from outside that it names.
    pub(crate) accounts: Option<Accounts>,
    /// SHA-256 of the file in hexadecimal: another one is not loaded.
    pub(crate) sha256: Option<String>,
    /// Memory of one call in MiB; 16 by default. Interpreters need more.
    pub(crate) memory_mib: Option<u32>,
    /// The same as `authenticators.settings.NAME`.
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub(crate) settings: Option<toml::Table>,
    /// Secrets that the host adds to its calls.
    pub(crate) secrets: BTreeMap<String, Secret>,
}

/// What becomes of identities from outside.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Accounts {
    /// Of those that are nobody's here.
    pub(crate) unknown: Unknown,
    /// The claim that names a new account.
    pub(crate) username: String,
    /// The claims that a new account gets.
    pub(crate) copy: Vec<String>,
    /// Whether these are written anew with each sign-in.
    pub(crate) update: bool,
}

/// What becomes of an identity that is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unknown {
    /// Nobody signs in with it.
    Refuse,
    /// Nobody signs in with it. People link it on their own page.
    #[serde(rename = "own-page")]
    OwnPage,
    /// The person proves the account that they have.
    Link,
    /// It gets an account.
    Create,
}

impl Default for Accounts {
    fn default() -> Self {
        let AccountRules { username, copy, update, .. } = AccountRules::default();
        Self { unknown: Unknown::Refuse, username, copy, update }
    }
}

impl From<Accounts> for AccountRules {
    fn from(Accounts { unknown, username, copy, update }: Accounts) -> Self {
        let unknown = match unknown {
            Unknown::Refuse => UnknownIdentity::Refuse,
            Unknown::OwnPage => UnknownIdentity::OwnPage,
            Unknown::Link => UnknownIdentity::Link,
            Unknown::Create => UnknownIdentity::Create,
        };
        Self { unknown, username, copy, update }
    }
}

/// What an authenticator may import.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Grants {
    /// To have passwords compared, and so to find out who somebody is.
    pub(crate) accounts: bool,
    /// To keep records about people.
    pub(crate) credentials: bool,
    /// To send messages to people.
    pub(crate) messages: bool,
    /// To sign and decrypt by keys of its own, which the kernel makes and keeps.
    pub(crate) own_keys: bool,
    /// To have Kerberos tickets judged, by `[kerberos]`, and to ask browsers for them.
    pub(crate) kerberos: bool,
    /// Claims of people that it may read, by their names in the user store: `["email", "groups"]`.
    pub(crate) directory: Vec<String>,
    /// Hosts that it may call, with `:port` when it is not 443.
    pub(crate) outbound: Vec<String>,
    /// Networks that these hosts' names may lead to although they are not public: `10.1.0.0/16`.
    pub(crate) outbound_networks: Vec<String>,
}

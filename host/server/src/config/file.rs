//! The sections of `postern.toml`. What is optional has its default here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use postern_edge::Arrangement;
use postern_settings::SettingsFile;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Duration;

impl SettingsFile for Configuration {
    const REQUIRED: &'static [&'static str] = &[
        "base_url",
        "public.listen",
        "public.certificate",
        "public.key",
        "management.listen",
        "management.certificate",
        "management.key",
    ];

    const REQUIRED_IN: &'static [(&'static str, &'static [&'static str])] = &[(
        "edge",
        &[
            "edge.listen",
            "edge.certificate",
            "edge.key",
            "edge.upstream",
            "edge.upstream_name",
            "edge.upstream_ca",
            "edge.client_certificate",
            "edge.client_key",
            "edge.filters",
        ],
    )];
}

/// The whole file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Configuration {
    /// Public origin as browsers see it: `https://sso.example.com`.
    pub(crate) base_url: String,
    pub(crate) public: Public,
    pub(crate) management: Management,
    #[serde(default)]
    pub(crate) state: State,
    #[serde(default)]
    pub(crate) keys: Keys,
    #[serde(default)]
    pub(crate) modules: Modules,
    #[serde(default)]
    pub(crate) authenticators: Authenticators,
    #[serde(default)]
    pub(crate) sessions: Sessions,
    #[serde(default)]
    pub(crate) sign_in: SignIn,
    #[serde(default)]
    pub(crate) pages: Pages,
    #[serde(default)]
    pub(crate) log: Log,
    pub(crate) edge: Option<Edge>,
}

/// The listener that the DMZ proxy talks to.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Public {
    pub(crate) listen: SocketAddr,
    /// PEM, the server's certificate first.
    pub(crate) certificate: PathBuf,
    /// PEM.
    pub(crate) key: PathBuf,
    /// PEM: who may issue the DMZ proxy's certificate.
    pub(crate) client_ca: Option<PathBuf>,
    #[serde(default)]
    pub(crate) client_certificate: ClientCertificate,
    /// Connections at a time.
    #[serde(default = "max_connections")]
    pub(crate) max_connections: u32,
}

fn max_connections() -> u32 {
    4_096
}

/// Whether the public listener asks for the DMZ proxy's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClientCertificate {
    #[default]
    Required,
    Off,
}

/// The listener for administrators. Never behind the DMZ proxy.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Management {
    pub(crate) listen: SocketAddr,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// Where the administrator's token is written on first start.
    #[serde(default = "token_file")]
    pub(crate) token_file: PathBuf,
}

fn token_file() -> PathBuf {
    "state/admin-token".into()
}

/// State.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct State {
    pub(crate) sqlite: PathBuf,
}

impl Default for State {
    fn default() -> Self {
        Self { sqlite: "state/postern.sqlite".into() }
    }
}

/// The master key that private keys are sealed with.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Keys {
    /// Ignored when the environment variable `POSTERN_MASTER_KEY` is set.
    pub(crate) master_key_file: PathBuf,
    /// How long a retired key stays published after a rotation.
    pub(crate) keep_published: Duration,
}

impl Default for Keys {
    fn default() -> Self {
        Self { master_key_file: "state/master.key".into(), keep_published: Duration::hours(48) }
    }
}

/// The protocols.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Modules {
    pub(crate) directory: PathBuf,
    /// Where compiled components are kept. Writable by nobody but the server: what lies there is run.
    pub(crate) cache: PathBuf,
    pub(crate) enabled: Vec<String>,
    /// Free for the module: handed to it as JSON.
    #[schemars(with = "BTreeMap<String, serde_json::Map<String, serde_json::Value>>")]
    pub(crate) settings: BTreeMap<String, toml::Table>,
}

impl Default for Modules {
    fn default() -> Self {
        Self {
            directory: "modules".into(),
            cache: "cache".into(),
            enabled: vec!["saml2".into(), "oidc".into()],
            settings: BTreeMap::new(),
        }
    }
}

/// The ways to sign in.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Authenticators {
    pub(crate) directory: PathBuf,
    pub(crate) enabled: Vec<String>,
    #[schemars(with = "BTreeMap<String, serde_json::Map<String, serde_json::Value>>")]
    pub(crate) settings: BTreeMap<String, toml::Table>,
}

impl Default for Authenticators {
    fn default() -> Self {
        Self {
            directory: "authenticators".into(),
            enabled: vec!["password".into()],
            settings: BTreeMap::new(),
        }
    }
}

/// How long a sign-in lasts.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sessions {
    /// Ends when it has not been used for so long.
    pub(crate) idle: Duration,
    /// Ends after so long, used or not.
    pub(crate) absolute: Duration,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { idle: Duration::hours(1), absolute: Duration::hours(12) }
    }
}

/// Limits on signing in.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SignIn {
    /// How long a person has for one sign-in.
    pub(crate) transaction_lifetime: Duration,
    pub(crate) failures_per_name: u32,
    pub(crate) failures_per_address: u32,
    pub(crate) failure_window: Duration,
    pub(crate) longest_wait: Duration,
    pub(crate) argon2: Argon2,
}

impl Default for SignIn {
    fn default() -> Self {
        Self {
            transaction_lifetime: Duration::minutes(15),
            failures_per_name: 5,
            failures_per_address: 50,
            failure_window: Duration::minutes(15),
            longest_wait: Duration::minutes(5),
            argon2: Argon2::default(),
        }
    }
}

/// Cost of one password hash. OWASP's current recommendation by default.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Argon2 {
    pub(crate) memory_kib: u32,
    pub(crate) iterations: u32,
    pub(crate) parallelism: u32,
    /// Hashes computed at a time; 0: as many as there are processors.
    pub(crate) workers: u32,
    /// Sign-ins that wait for one of them at most; more are told to come back.
    pub(crate) queue: u32,
}

impl Default for Argon2 {
    fn default() -> Self {
        Self { memory_kib: 19_456, iterations: 2, parallelism: 1, workers: 0, queue: 64 }
    }
}

/// What people see.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Pages {
    /// A folder whose files replace those of the same name.
    pub(crate) theme: Option<PathBuf>,
    /// For browsers that ask for none that there is.
    pub(crate) language: String,
}

impl Default for Pages {
    fn default() -> Self {
        Self { theme: None, language: "en".into() }
    }
}

/// The operational log (standard error) and the audit log.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    pub(crate) level: Level,
    pub(crate) format: LogFormat,
    /// A file, or `-` for standard output.
    pub(crate) audit: PathBuf,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: Level::Info, format: LogFormat::Text, audit: "state/audit.jsonl".into() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// What `postern edge config` needs to know of the DMZ proxy. Paths are those on the proxy's
/// machine and are written out as they stand here.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edge {
    /// Where the proxy listens for browsers.
    pub(crate) listen: SocketAddr,
    /// Host names that it serves. Empty: that of `base_url`.
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    /// The proxy's certificate for browsers, PEM.
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// `host:port` of the public listener as the proxy reaches it.
    pub(crate) upstream: String,
    /// The name in the public listener's certificate.
    pub(crate) upstream_name: String,
    /// Who issued that certificate, PEM.
    pub(crate) upstream_ca: PathBuf,
    /// The proxy's own certificate towards the public listener.
    pub(crate) client_certificate: PathBuf,
    pub(crate) client_key: PathBuf,
    /// Folder of the filters' .wasm files.
    pub(crate) filters: PathBuf,
    /// `together`: `guard.wasm`, the three filters in one VM, for the least work. `apart`: each in
    /// a VM of its own.
    #[serde(default)]
    pub(crate) guard: Arrangement,
    /// Files with further keys (JWK Sets) whose signature the filters accept on what they fetch: those
    /// of another node with a key of its own, or the next one.
    #[serde(default)]
    pub(crate) feed_keys: Vec<PathBuf>,
    /// Envoy's administration, on a loopback address; off by default.
    pub(crate) administration: Option<SocketAddr>,
    /// A file on the proxy's machine; standard output by default.
    pub(crate) access_log: Option<PathBuf>,
    /// Where the proxy demands a good access token before it forwards. Left out: at
    /// `/oauth2/userinfo`, when a module declares it.
    pub(crate) tokens: Option<EdgeTokens>,
    /// How often clients may ask.
    #[serde(default)]
    pub(crate) rate: EdgeRate,
}

/// How often clients may ask the proxy; beyond it they get 429. Left out: 100 requests a second and
/// 1,000 at once for a client, 2,000 a second for all.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EdgeRate {
    /// Requests of one client in a second. An IPv4 address or an IPv6 network of 64 bits is one
    /// client, and so is an office behind one address.
    pub(crate) client_requests_per_second: Option<u32>,
    /// Requests of one client at once.
    pub(crate) client_burst: Option<u32>,
    /// Requests of all clients in a second; twice as many at once.
    pub(crate) requests_per_second: Option<u32>,
}

/// Bearer tokens at the proxy.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdgeTokens {
    /// What `aud` of the tokens has to name; `base_url` by default.
    pub(crate) audience: Option<String>,
    /// `iss` of the tokens; `base_url` by default.
    pub(crate) issuer: Option<String>,
    /// JWA names.
    #[serde(default = "token_algorithms")]
    pub(crate) algorithms: Vec<String>,
    pub(crate) routes: Vec<TokenRoute>,
}

impl EdgeTokens {
    /// Our own tokens at one path.
    pub(crate) fn for_path(path: &str) -> Self {
        let route = TokenRoute { exact: Some(path.into()), prefix: None, scopes: Vec::new() };
        Self { audience: None, issuer: None, algorithms: token_algorithms(), routes: vec![route] }
    }
}

fn token_algorithms() -> Vec<String> {
    ["RS256", "ES256", "EdDSA"].map(Into::into).into()
}

/// A path that wants a token. Either `exact` or `prefix`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenRoute {
    /// This path alone, such as `/oauth2/userinfo`.
    pub(crate) exact: Option<String>,
    /// This path and all below it.
    pub(crate) prefix: Option<String>,
    /// Scopes that the token has to have, all of them.
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
}

//! The sections of `postern.toml`. What is optional has its default here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use postern_edge::Arrangement;
use postern_edge::settings::{IntrospectedTokens, IntrospectionAuthentication};
use postern_settings::SettingsFile;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{AuthenticatorModule, Duration, Kerberos, Mail, Outbound, Policies};

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

    const REQUIRED_IN: &'static [(&'static str, &'static [&'static str])] = &[
        ("mail", &["mail.server", "mail.from"]),
        ("kerberos", &["kerberos.keytab", "kerberos.service"]),
        (
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
        ),
    ];
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
    pub(crate) policies: Policies,
    #[serde(default)]
    pub(crate) sessions: Sessions,
    #[serde(default)]
    pub(crate) sign_in: SignIn,
    #[serde(default)]
    pub(crate) pages: Pages,
    #[serde(default)]
    pub(crate) log: Log,
    pub(crate) mail: Option<Mail>,
    pub(crate) outbound: Option<Outbound>,
    pub(crate) kerberos: Option<Kerberos>,
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
    /// What single ones are granted.
    pub(crate) modules: BTreeMap<String, AuthenticatorModule>,
}

impl Authenticators {
    /// The file that the authenticator runs, without `.wasm`.
    pub(crate) fn component_of<'a>(&'a self, name: &'a str) -> &'a str {
        let module = self.modules.get(name);
        module.and_then(|module| module.component.as_deref()).unwrap_or(name)
    }
}

impl Default for Authenticators {
    fn default() -> Self {
        Self {
            directory: "authenticators".into(),
            enabled: vec!["password".into()],
            settings: BTreeMap::new(),
            modules: BTreeMap::new(),
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
    /// The steps of a sign-in, each with the authenticators that do it, in the order in which they are
    /// taken. Empty: one step, with all authenticators that find out who somebody is.
    pub(crate) steps: Vec<Vec<String>>,
    /// The same for single applications, by entity ID or client_id.
    pub(crate) steps_for: BTreeMap<String, Vec<Vec<String>>>,
    /// After how long people prove anew who they are, for single applications, by entity ID or client_id.
    pub(crate) max_age_for: BTreeMap<String, Duration>,
    /// How long after a sign-in a person may change their factors.
    pub(crate) recent: Duration,
    /// Longest time for which a device need not be asked for a further factor again. Left out: never.
    pub(crate) remember: Option<Duration>,
    /// Where people set factors up.
    pub(crate) enrol: Enrol,
    /// Failures in a row of a further factor of a person after which it is locked.
    pub(crate) failures_in_a_row: u32,
    /// The authenticator that finds out who somebody is, by the domain of their e-mail address: `example.org` is
    /// that domain alone, `.example.org` those below it.
    pub(crate) realms: BTreeMap<String, String>,
    /// The policy that decides which steps a sign-in goes through.
    pub(crate) policy: Option<String>,
    /// Another one for single applications, by entity ID or client_id.
    pub(crate) policy_for: BTreeMap<String, String>,
    /// Request headers that policies are told of, in lower case: the proxy has to set each.
    pub(crate) policy_headers: Vec<String>,
    /// Claims that policies are told of, beside the groups.
    pub(crate) policy_claims: Vec<String>,
    /// Networks by name, such as `office = ["10.0.0.0/8"]`, for policies.
    pub(crate) networks: BTreeMap<String, Vec<String>>,
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
            steps: Vec::new(),
            steps_for: BTreeMap::new(),
            max_age_for: BTreeMap::new(),
            recent: Duration::minutes(10),
            remember: None,
            enrol: Enrol::OwnPage,
            failures_in_a_row: 100,
            realms: BTreeMap::new(),
            policy: None,
            policy_for: BTreeMap::new(),
            policy_headers: Vec::new(),
            policy_claims: Vec::new(),
            networks: BTreeMap::new(),
            argon2: Argon2::default(),
        }
    }
}

/// Where people set factors up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Enrol {
    /// On their own page alone.
    OwnPage,
    /// There, and when a step of a sign-in asks for one while they have none of any kind.
    SignIn,
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
    /// The pages on which people look after their own account. That of factors needs an authenticator
    /// that people set up themselves.
    pub(crate) account: Vec<AccountPage>,
}

/// A page of a person's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AccountPage {
    Factors,
    Sessions,
    Password,
}

impl Default for Pages {
    fn default() -> Self {
        let account = vec![AccountPage::Factors, AccountPage::Sessions, AccountPage::Password];
        Self { theme: None, language: "en".into(), account }
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
    /// Who issued the certificates that people sign in with, PEM: browsers are asked for one, and the proxy
    /// passes on what they show. Left out: none is asked for.
    pub(crate) client_ca: Option<PathBuf>,
    /// What these authorities have revoked, PEM: a list of each. Left out: the proxy does not look.
    pub(crate) client_crl: Option<PathBuf>,
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
    /// Metrics (`/stats/prometheus`) and `/ready` of the proxy, on a loopback address; off by default.
    pub(crate) administration: Option<SocketAddr>,
    /// A file on the proxy's machine; standard output by default.
    pub(crate) access_log: Option<PathBuf>,
    /// Where the proxy demands a good access token before it forwards. Left out: at
    /// `/oauth2/userinfo`, when a module declares it.
    pub(crate) tokens: Option<EdgeTokens>,
    /// Reason codes that the filters log and count and that refuse nothing, for the first days. Limits,
    /// spellings and what is never public always refuse.
    #[serde(default)]
    pub(crate) report_only: Vec<String>,
    /// How often clients may ask.
    #[serde(default)]
    pub(crate) rate: EdgeRate,
    /// Networks of a proxy in front of this one that sets the headers of `sign_in.policy_headers`. From anywhere
    /// else they are taken off, and so they are when none is named.
    #[serde(default)]
    pub(crate) policy_headers_from: Vec<String>,
}

impl Edge {
    /// The codes of these that only report.
    pub(crate) fn report_only(&self, switchable: &[&str]) -> Vec<String> {
        self.report_only.iter().filter(|code| switchable.contains(&code.as_str())).cloned().collect()
    }
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
    /// Introspection: the issuer is asked about tokens, too or instead of its keys.
    pub(crate) introspection: Option<EdgeIntrospection>,
    pub(crate) routes: Vec<TokenRoute>,
}

/// How the proxy asks about tokens: at the public listener, over the connection that it has.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdgeIntrospection {
    /// The path; `/oauth2/introspect` by default.
    pub(crate) path: Option<String>,
    /// The client that the proxy is registered as.
    pub(crate) client_id: String,
    /// The environment variable of the proxy that holds its secret: nothing that is exported has it.
    pub(crate) client_secret_env: String,
    /// How the proxy proves who asks: `basic`, `post`.
    #[serde(default)]
    pub(crate) authentication: IntrospectionAuthentication,
    /// `opaque`: tokens that are no JWT. `all`: JWTs too, so that a revoked one is found out, at a call
    /// for every token.
    #[serde(default)]
    pub(crate) tokens: IntrospectedTokens,
    /// Longest time that an answer is good for, up to an hour: so long a revoked token is accepted.
    pub(crate) max_cache: Option<Duration>,
    /// Calls a second for tokens that nobody has seen, of all workers.
    pub(crate) calls_per_second: Option<u32>,
    /// Calls a minute that the unseen tokens of one client cause.
    pub(crate) client_calls_per_minute: Option<u32>,
}

impl EdgeTokens {
    /// Our own tokens at one path.
    pub(crate) fn for_path(path: &str) -> Self {
        let route = TokenRoute { exact: Some(path.into()), prefix: None, scopes: Vec::new() };
        Self {
            audience: None,
            issuer: None,
            algorithms: token_algorithms(),
            introspection: None,
            routes: vec![route],
        }
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

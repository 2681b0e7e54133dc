//! The sections of `postern-edge.toml`. What is optional has its default here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use postern_settings::{Duration, SettingsFile};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::policy::Behind;

/// The whole file. Relative paths of files that are read now (relying parties, Postern's export)
/// are relative to its folder; certificates and filters are those of the proxy's machine.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EdgeFile {
    /// Which identity provider is behind the proxy: its public endpoints are known by name.
    pub behind: Behind,
    /// Protocols that are switched on. Behind Postern they are those of its export.
    #[serde(default)]
    pub protocols: Vec<Protocol>,
    /// Public host names, such as `sso.example.com`, with a port only if it is not 443.
    pub hosts: Vec<String>,
    /// Where browsers and applications connect.
    pub listen: Listen,
    /// The identity provider's nodes.
    pub upstream: UpstreamSection,
    /// The filters on the proxy's machine.
    #[serde(default)]
    pub filters: Filters,
    /// Behind Postern.
    pub postern: Option<PosternSection>,
    /// Behind Keycloak.
    pub keycloak: Option<KeycloakSection>,
    /// Behind Shibboleth.
    #[serde(default)]
    pub shibboleth: ShibbolethSection,
    /// SAML messages.
    #[serde(default)]
    pub saml: SamlSection,
    /// Bearer tokens. Left out: no route wants one.
    pub tokens: Option<TokensSection>,
    /// What bounds the proxy's work.
    #[serde(default)]
    pub limits: LimitsSection,
    /// Logs and administration of the proxy.
    #[serde(default)]
    pub log: LogSection,
    /// Further endpoints; behind `endpoints` they are all there are.
    #[serde(default)]
    pub endpoints: Vec<EndpointSection>,
    /// Further folders of static files: prefixes that end in a slash.
    #[serde(default)]
    pub assets: Vec<String>,
}

impl SettingsFile for EdgeFile {
    const REQUIRED: &'static [&'static str] = &[
        "behind",
        "hosts",
        "listen.address",
        "listen.certificate",
        "listen.key",
        "upstream.nodes",
        "upstream.server_name",
        "upstream.ca",
    ];

    const REQUIRED_IN: &'static [(&'static str, &'static [&'static str])] = &[
        ("postern", &["postern.export"]),
        ("keycloak", &["keycloak.realms"]),
        ("tokens", &["tokens.issuer", "tokens.audience", "tokens.routes"]),
    ];
}

/// A protocol by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// SAML 2.0.
    Saml2,
    /// OpenID Connect and OAuth 2.0.
    Oidc,
    /// WS-Federation, passive requestor profile.
    Wsfed,
    /// OpenID 2.0.
    Openid2,
    /// WS-Trust.
    Wstrust,
}

impl Protocol {
    /// The name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Saml2 => "saml2",
            Self::Oidc => "oidc",
            Self::Wsfed => "wsfed",
            Self::Openid2 => "openid2",
            Self::Wstrust => "wstrust",
        }
    }
}

/// The public side.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// Address and port, such as `0.0.0.0:443`.
    pub address: SocketAddr,
    /// The certificate for browsers, PEM, leaf first.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
}

/// The side of the LAN.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamSection {
    /// `host:port` of each node.
    pub nodes: Vec<String>,
    /// The name in the nodes' certificates.
    pub server_name: String,
    /// Who issued them, PEM.
    pub ca: PathBuf,
    /// The proxy's own certificate towards the nodes, PEM. Postern demands it.
    pub client_certificate: Option<PathBuf>,
    /// Its key, PEM.
    pub client_key: Option<PathBuf>,
    /// Which of several nodes takes a request. Left out: `affinity`, but `round-robin` for Postern,
    /// whose nodes share their state.
    pub balancing: Option<BalancingSetting>,
    /// How a node is asked whether it is there. Left out: several nodes are asked for a handshake.
    pub health: Option<HealthSection>,
}

/// Which of several nodes takes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BalancingSetting {
    /// One after the other.
    RoundRobin,
    /// The one that has less to do.
    LeastRequest,
    /// A browser stays with its node, by a cookie of the proxy.
    Affinity,
}

/// How a node is asked whether it is there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthSection {
    /// GET of this path has to answer 2xx. Left out: the TLS handshake has to succeed.
    pub path: Option<String>,
    /// Another port than that of requests.
    pub port: Option<u16>,
    /// Time between two questions.
    #[serde(default = "health_interval")]
    pub interval: Duration,
    /// Time for an answer.
    #[serde(default = "health_timeout")]
    pub timeout: Duration,
}

fn health_interval() -> Duration {
    Duration(5)
}

fn health_timeout() -> Duration {
    Duration(2)
}

/// The filters on the proxy's machine.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filters {
    /// Folder of the .wasm files.
    pub directory: PathBuf,
}

impl Default for Filters {
    fn default() -> Self {
        Self { directory: "/usr/lib/postern/filters".into() }
    }
}

/// Behind Postern.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PosternSection {
    /// What `postern edge export` wrote in the LAN: endpoints, relying parties, token rules.
    pub export: PathBuf,
}

/// Behind Keycloak.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeycloakSection {
    /// Public realms. `master` is for administrators and is refused.
    pub realms: Vec<String>,
    /// Aliases of identity providers that people can come from, for each realm.
    #[serde(default)]
    pub identity_providers: Vec<String>,
    /// Keycloak's `http-relative-path`, such as `/auth`; empty by default.
    #[serde(default)]
    pub path: String,
}

/// Behind Shibboleth.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ShibbolethSection {
    /// The web application's path.
    pub path: String,
}

impl Default for ShibbolethSection {
    fn default() -> Self {
        Self { path: "/idp".into() }
    }
}

/// SAML messages.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SamlSection {
    /// Files with the metadata of registered service providers, or their registrations as JSON.
    pub relying_parties: Vec<PathBuf>,
    /// Paths whose messages are judged, behind `endpoints`.
    pub paths: Vec<String>,
    /// How far a peer's clock may be off, up to 10 minutes.
    pub clock_skew: Option<Duration>,
    /// How old a request may be, up to an hour.
    pub max_age: Option<Duration>,
    /// Signature algorithms, by their JWA names.
    pub algorithms: Option<Vec<String>>,
}

/// Bearer tokens.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokensSection {
    /// `iss` of the tokens.
    pub issuer: String,
    /// What `aud` has to name.
    pub audience: String,
    /// JWA names.
    #[serde(default = "token_algorithms")]
    pub algorithms: Vec<String>,
    /// Path of the issuer's keys at the identity provider. Left out: where the product has them.
    pub keys: Option<String>,
    /// The paths that want a token.
    pub routes: Vec<TokenRouteSection>,
}

fn token_algorithms() -> Vec<String> {
    ["RS256", "ES256", "EdDSA"].map(Into::into).into()
}

/// A path that wants a token. Either `exact` or `prefix`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRouteSection {
    /// This path alone.
    pub exact: Option<String>,
    /// This path and all below it.
    pub prefix: Option<String>,
    /// Scopes that the token has to have, all of them.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Claims handed on: claim to header, which starts with `x-postern-`.
    #[serde(default)]
    pub claims_to_headers: BTreeMap<String, String>,
}

/// What bounds the proxy's work. Left out: what fits a machine with 1 GiB for the proxy.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSection {
    /// Connections from outside at a time.
    pub connections: Option<u32>,
    /// Requests to the LAN at a time.
    pub requests: Option<u32>,
    /// Memory in MiB at which no more requests are taken.
    pub heap_mib: Option<u32>,
    /// Request headers, in KiB.
    pub header_kib: Option<u32>,
    /// Time for a request to come in whole.
    pub request_time: Option<Duration>,
    /// Time for the LAN to answer.
    pub response_time: Option<Duration>,
    /// Time that an idle connection is kept.
    pub idle_time: Option<Duration>,
    /// Requests of all clients in a second.
    pub requests_per_second: Option<u32>,
    /// Requests of one client in a second.
    pub client_requests_per_second: Option<u32>,
    /// Requests of one client at once.
    pub client_burst: Option<u32>,
}

/// Logs and administration of the proxy.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogSection {
    /// A file; standard output by default.
    pub access: Option<PathBuf>,
    /// Envoy's administration, on a loopback address; off by default.
    pub administration: Option<SocketAddr>,
}

/// An endpoint that is listed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointSection {
    /// Absolute and exact, such as `/samlsso`.
    pub path: String,
    /// `GET`, `POST`.
    pub methods: Vec<Method>,
    /// Media types of bodies, in lower case. Left out: a form when POST is allowed.
    pub content_types: Option<Vec<String>>,
    /// Largest body in bytes. Left out: 64 KiB when POST is allowed.
    pub max_body: Option<u32>,
    /// Largest query in bytes. Left out: 8 KiB when a query is allowed.
    pub max_query: Option<u32>,
    /// Query parameters by name.
    #[serde(default)]
    pub query_parameters: Vec<String>,
    /// Whether other parameters pass too.
    #[serde(default)]
    pub ignores_other_parameters: bool,
}

/// A method of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
}

//! The sections of `postern-edge.toml`. What is optional has its default here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use postern_settings::{Duration, SettingsFile};
use schemars::JsonSchema;
use serde::Deserialize;

use super::federation_sections::{ArtifactResolutionSection, FederationSection, WsfedSection};
use super::token_sections::{AuthorizationSection, TokensSection};
use crate::policy::{Arrangement, Behind};

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
    /// Behind WSO2 Identity Server.
    #[serde(default)]
    pub wso2is: Wso2isSection,
    /// Behind Shibboleth.
    #[serde(default)]
    pub shibboleth: ShibbolethSection,
    /// SAML messages.
    #[serde(default)]
    pub saml: SamlSection,
    /// WS-Federation.
    pub wsfed: Option<WsfedSection>,
    /// Bearer tokens. Left out: no route wants one.
    pub tokens: Option<TokensSection>,
    /// Authorization requests (`/authorize` of OpenID Connect). Left out: the LAN alone judges them.
    pub authorization: Option<AuthorizationSection>,
    /// Which clients may ask. Left out: all.
    #[serde(default)]
    pub clients: ClientsSection,
    /// How often one client may ask for one endpoint, beside the limits for all endpoints.
    #[serde(default)]
    pub rates: Vec<RateSection>,
    /// Reason codes that are logged and counted and refuse nothing, for the first days. Limits,
    /// spellings and what is never public always refuse.
    #[serde(default)]
    pub report_only: Vec<String>,
    /// Headers of responses.
    #[serde(default)]
    pub headers: HeadersSection,
    /// What bounds the proxy's work.
    #[serde(default)]
    pub limits: LimitsSection,
    /// Logs and administration of the proxy.
    #[serde(default)]
    pub log: LogSection,
    /// Further endpoints; behind `endpoints` they are all there are.
    #[serde(default)]
    pub endpoints: Vec<EndpointSection>,
    /// Of the product's endpoints by path: query parameters that a POST may have beside its form. Where messages
    /// arrive there are none but those of the product.
    #[serde(default)]
    pub posted_query_parameters: BTreeMap<String, Vec<String>>,
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
        (
            "saml.artifact_resolution",
            &["saml.artifact_resolution.entity_id", "saml.artifact_resolution.relying_parties"],
        ),
        ("tokens", &["tokens.routes"]),
        ("authorization", &["authorization.clients"]),
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
    /// Who issued the certificates of clients that show one, PEM: service providers that resolve
    /// artifacts; before Postern, people who sign in with one. Browsers are asked for one of these
    /// authorities, and may come without. Left out: no certificate is asked for.
    pub client_ca: Option<PathBuf>,
    /// What these authorities have revoked, PEM: a list of each of them, and of those between. Left out: the
    /// proxy does not look.
    pub client_crl: Option<PathBuf>,
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
    /// `together`: `guard.wasm`, the three in one VM, for the least work. `apart`: each in a VM of
    /// its own.
    pub guard: Arrangement,
}

impl Default for Filters {
    fn default() -> Self {
        Self { directory: "/usr/lib/postern/filters".into(), guard: Arrangement::default() }
    }
}

/// Behind Postern.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PosternSection {
    /// What `postern edge export` wrote in the LAN: endpoints, relying parties, token rules.
    pub export: PathBuf,
    /// Whether the filters fetch what is registered later. On by default, when the export says from
    /// where.
    pub feed: Option<bool>,
    /// Files with further keys (JWK Sets) whose signature is accepted on what they fetch: those of
    /// another node with a key of its own, or the next one.
    #[serde(default)]
    pub feed_keys: Vec<PathBuf>,
    /// Networks of a proxy in front of this one that sets the headers which policies are told of. From
    /// anywhere else they are taken off, and so they are when none is named.
    #[serde(default)]
    pub policy_headers_from: Vec<String>,
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
    /// Names of SAML clients at which sign-on may begin (`/protocol/saml/clients/NAME`, Keycloak's "IDP
    /// initiated SSO URL name"), in each realm.
    #[serde(default)]
    pub idp_initiated: Vec<String>,
    /// Whether people may reset a forgotten password at `login-actions/reset-credentials`. A sign-in can begin
    /// there, of any client, beside what is demanded of authorization requests.
    #[serde(default)]
    pub reset_credentials: bool,
    /// Keycloak's `http-relative-path`, such as `/auth`; empty by default.
    #[serde(default)]
    pub path: String,
}

/// Behind WSO2 Identity Server.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Wso2isSection {
    /// Further fields of login forms that are posted to `/samlsso` and `/oauth2/authorize`.
    pub login_fields: Vec<String>,
    /// Domains of public tenants: their endpoints are below `/t/DOMAIN/`, and messages may have their
    /// names beside them as the parameter `tenantDomain`.
    pub tenants: Vec<String>,
}

/// Behind Shibboleth.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ShibbolethSection {
    /// The web application's path.
    pub path: String,
    /// Further fields of login forms, such as `j_tokenNumber` of the TOTP plugin.
    pub login_fields: Vec<String>,
}

impl Default for ShibbolethSection {
    fn default() -> Self {
        Self { path: "/idp".into(), login_fields: Vec::new() }
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
    /// Paths that pass without a look although they hold a judged one, or take SAML messages that are
    /// not the identity provider's.
    pub unjudged_paths: Vec<String>,
    /// Whether messages of single logout are judged and pass, or are refused. Left out: judged behind
    /// WSO2 IS and Keycloak.
    pub single_logout: Option<bool>,
    /// Messages of each kind that all workers remember, up to 65536.
    pub replay_slots: Option<u32>,
    /// How far a peer's clock may be off, up to 10 minutes.
    pub clock_skew: Option<Duration>,
    /// How old a request may be, up to an hour.
    pub max_age: Option<Duration>,
    /// Signature algorithms, by their JWA names.
    pub algorithms: Option<Vec<String>>,
    /// Artifacts. Left out: they are not resolved through this proxy.
    pub artifact_resolution: Option<ArtifactResolutionSection>,
    /// Responses of federated identity providers. Left out: they pass unjudged where the product takes
    /// them.
    #[serde(default)]
    pub federation: Vec<FederationSection>,
}

/// Which clients may ask: those of `allow`, or all when it is empty, without those of `deny`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientsSection {
    /// Networks, such as `10.0.0.0/8` or `2001:db8::/32`.
    pub allow: Vec<String>,
    /// Networks.
    pub deny: Vec<String>,
}

/// How often one client may ask for one endpoint. A client is an IPv4 address or an IPv6 network of
/// 64 bits.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateSection {
    /// The endpoint's path, exactly.
    pub path: String,
    /// So many requests …
    pub requests: u32,
    /// … in this time.
    pub per: Duration,
    /// So many at once. Left out: as many as `requests`.
    pub burst: Option<u32>,
}

/// Headers of responses that lack them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeadersSection {
    /// The standard ones. Left out: `safe`, but `none` for Postern, whose pages have their own.
    pub security: Option<SecurityHeaders>,
    /// Further ones: name in lower case, and value.
    pub set: BTreeMap<String, String>,
}

/// Which of the standard security headers are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecurityHeaders {
    /// Those that break no page: `x-content-type-options`, `referrer-policy`.
    Safe,
    /// These, and TLS for a year (`strict-transport-security`), and no framing by others
    /// (`content-security-policy: frame-ancestors 'none'`, `x-frame-options: DENY`): not for session
    /// iframes and silent sign-in.
    All,
    /// None.
    None,
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
    /// Metrics (`/stats/prometheus`) and `/ready`, on a loopback address; off by default. In Envoy all of its
    /// administration.
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
    /// Query parameters that a POST may have. Left out: those of a GET.
    pub posted_query_parameters: Option<Vec<String>>,
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

//! What the configuration is generated from.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use postern_endpoint::{
    Assets, ConfigurationError, EdgeRules, Endpoint, EndpointPolicy, RequestLimits, ToldBy,
};
use postern_feed::Source;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Everything that the edge has to know. Paths are those on the proxy's machine.
#[derive(Clone, Debug)]
pub struct EdgePolicy {
    /// Where browsers and applications connect.
    pub listener: SocketAddr,
    /// The public certificate.
    pub tls: TlsFiles,
    /// Whose certificates clients may show. None: none is asked for. Postern is told the one that was shown.
    pub client_authority: Option<ClientAuthority>,
    /// Values of Host that are ours, such as `sso.example.com` or `sso.example.com:8443`.
    pub hosts: Vec<String>,
    /// The identity provider in the LAN.
    pub upstream: Upstream,
    /// Where the keys of token issuers are that are not at the nodes behind.
    pub key_clusters: Vec<KeyCluster>,
    /// What the enabled modules declare.
    pub endpoints: Vec<Endpoint>,
    /// Static files of the host's pages.
    pub assets: Vec<Assets>,
    /// The endpoint filter's `.wasm` file. There is no edge without it.
    pub endpoint_filter: PathBuf,
    /// The SAML decoder, when the module is enabled.
    pub saml_decoder: Option<Guard>,
    /// The token validator, when there are routes for it.
    pub token_validator: Option<Guard>,
    /// `guard.wasm`: the filters above in one VM, in place of their own files.
    pub guard: Option<PathBuf>,
    /// Envoy's administration, nginx's metrics; on loopback. None: switched off.
    pub administration: Option<SocketAddr>,
    /// Where the access log goes.
    pub access_log: AccessLog,
    /// Sizes, times and numbers.
    pub limits: Limits,
    /// Which clients may ask and how often, what only reports, headers of responses.
    pub rules: EdgeRules,
    /// Where the filters get newer configurations from: none when they get none.
    pub feed: Option<Source>,
}

impl EdgePolicy {
    /// What the endpoint filter lets through.
    pub(crate) fn endpoint_policy(&self) -> EndpointPolicy {
        EndpointPolicy {
            hosts: self.hosts.clone(),
            endpoints: self.endpoints.clone(),
            assets: self.assets.clone(),
            limits: RequestLimits::default(),
            // The chain has the filters of Envoy's own that it needs.
            edge: EdgeRules { told_by: ToldBy::Proxy, ..self.rules.clone() },
        }
    }
}

impl EdgePolicy {
    /// Whether Postern is told which certificate a client has shown.
    pub(crate) fn passes_client_certificate(&self) -> bool {
        self.client_authority.is_some() && self.upstream.behind == Behind::Postern
    }

    /// How the token validator's issuers are asked about tokens, as its configuration says.
    fn introspections(&self) -> impl Iterator<Item = &Value> {
        let issuers = self.token_validator.as_ref().and_then(|guard| guard.configuration.get("issuers"));
        let issuers = issuers.and_then(Value::as_array).into_iter().flatten();
        issuers.filter_map(|issuer| issuer.get("introspection"))
    }

    /// Whether issuers are asked about tokens.
    pub(crate) fn introspects(&self) -> bool {
        self.introspections().next().is_some()
    }

    /// Environment variables of the proxy that hold the secrets for that.
    pub(crate) fn secret_variables(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.introspections().filter_map(|one| one.get("client_secret_env")?.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Who issues certificates of clients.
#[derive(Clone, Debug)]
pub struct ClientAuthority {
    /// Certificates of the authorities, PEM.
    pub certificates: PathBuf,
    /// What each of them has revoked, PEM. None: the proxy does not look.
    pub revocations: Option<PathBuf>,
}

/// A certificate chain and its key, PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Leaf first.
    pub certificate_chain: PathBuf,
    /// The leaf's key.
    pub private_key: PathBuf,
}

/// The identity provider in the LAN, and how proxy and provider prove who they are.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// What it is.
    pub behind: Behind,
    /// Its nodes: one at least.
    pub nodes: Vec<Node>,
    /// Name in the nodes' certificates, sent as SNI and required as DNS subject.
    pub server_name: String,
    /// The authority that issued these certificates, PEM.
    pub authority: PathBuf,
    /// What the proxy shows to the nodes. Postern demands it, others may.
    pub client: Option<TlsFiles>,
    /// How nodes are found to be away. None: by requests that fail.
    pub health: Option<HealthCheck>,
    /// Which node takes a request when there are several.
    pub balancing: Balancing,
}

impl Upstream {
    /// One node of Postern.
    pub fn postern(node: Node, server_name: &str, authority: PathBuf, client: TlsFiles) -> Self {
        Self {
            behind: Behind::Postern,
            nodes: vec![node],
            server_name: server_name.to_owned(),
            authority,
            client: Some(client),
            health: None,
            balancing: Balancing::RoundRobin,
        }
    }
}

/// Which identity provider is behind the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Behind {
    /// Postern.
    Postern,
    /// WSO2 Identity Server.
    Wso2is,
    /// Keycloak.
    Keycloak,
    /// Shibboleth IdP.
    Shibboleth,
    /// Anything: the endpoints are listed.
    Endpoints,
}

impl Behind {
    /// Its name for people.
    pub fn product(self) -> &'static str {
        match self {
            Self::Postern => "Postern",
            Self::Wso2is => "WSO2 Identity Server",
            Self::Keycloak => "Keycloak",
            Self::Shibboleth => "Shibboleth IdP",
            Self::Endpoints => "the identity provider",
        }
    }
}

/// One node of the identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Address or DNS name.
    pub address: String,
    /// Port.
    pub port: u16,
}

impl Node {
    /// Reads `host:port`; an IPv6 address stands in brackets.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse().ok().filter(|port| *port != 0)?;
        let (address, is_six) = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => (address, true),
            None => (host, false),
        };
        let good = if is_six {
            address.parse::<Ipv6Addr>().is_ok()
        } else {
            !address.is_empty()
                && address.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
        };
        good.then(|| Self { address: address.to_owned(), port })
    }
}

/// A host that publishes keys of a token issuer, over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCluster {
    /// What the filter's configuration calls it.
    pub name: String,
    /// Where it is; its address is the name in its certificate too.
    pub node: Node,
    /// Who issued that certificate, PEM.
    pub authority: PathBuf,
}

/// How a node is asked whether it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// GET of this path has to answer 2xx. None: the TLS handshake has to succeed.
    pub path: Option<String>,
    /// Another port than that of requests.
    pub port: Option<u16>,
    /// Seconds between two questions.
    pub interval: u64,
    /// Seconds for an answer.
    pub timeout: u64,
}

/// Which of several nodes takes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balancing {
    /// One after the other.
    RoundRobin,
    /// The one with fewer requests under way, of two at random.
    LeastRequest,
    /// A browser stays with its node, by a cookie of the proxy.
    Affinity,
}

/// How the filters share VMs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Arrangement {
    /// `guard.wasm`, the three in one VM: less work for each request, and a module that is switched
    /// on later reaches a running proxy.
    #[default]
    Together,
    /// Each filter from its own file in a VM of its own: none shares memory with another.
    Apart,
}

impl Arrangement {
    /// The file of the one filter, in the folder of the filters.
    pub fn guard(self, directory: &Path) -> Option<PathBuf> {
        match self {
            Self::Together => Some(directory.join("guard.wasm")),
            Self::Apart => None,
        }
    }
}

/// A filter with its configuration.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Its `.wasm` file.
    pub wasm: PathBuf,
    /// Its configuration.
    pub configuration: Value,
}

/// Where the access log goes.
#[derive(Clone, Debug)]
pub enum AccessLog {
    /// Envoy's standard output.
    Stdout,
    /// A file.
    File(PathBuf),
}

/// What bounds the proxy's work. The default fits a machine with 1 GiB for Envoy.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections from outside at a time.
    pub connections: u32,
    /// Requests to the LAN at a time.
    pub requests: u32,
    /// Heap at which Envoy stops taking requests, in bytes.
    pub heap: u64,
    /// Request headers, in KiB.
    pub header_kib: u32,
    /// Seconds that a request may take until it has come in whole.
    pub request_seconds: u32,
    /// Seconds that the LAN may take to answer.
    pub response_seconds: u32,
    /// Seconds that an idle connection is kept.
    pub idle_seconds: u32,
    /// Requests of all clients together in a second; twice as many at once.
    pub requests_per_second: u32,
    /// Requests of one client in a second, whatever they ask for. A client is an IPv4 address or
    /// an IPv6 network of 64 bits: an office behind one address is one client.
    pub client_requests_per_second: u32,
    /// Requests of one client at once.
    pub client_burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            requests: 1_024,
            heap: 1 << 30,
            header_kib: 48,
            request_seconds: 20,
            response_seconds: 30,
            idle_seconds: 60,
            requests_per_second: 2_000,
            client_requests_per_second: 100,
            client_burst: 1_000,
        }
    }
}

/// Why no configuration is generated.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// The endpoints can't be a policy: management is in it, or a path is not canonical.
    #[error("edge: {0}")]
    Endpoints(#[from] ConfigurationError),
    /// The proxy's administration must not be reachable from outside the machine.
    #[error("edge: administration: {0} is not a loopback address")]
    Administration(SocketAddr),
    /// Only paths in UTF-8 can be written down.
    #[error("edge: {field}: the path {path:?} is not UTF-8")]
    Path {
        /// Which path.
        field: &'static str,
        /// The path.
        path: PathBuf,
    },
    /// Nobody would serve.
    #[error("edge: upstream.nodes: name at least one node")]
    Nodes,
    /// A limit of zero would be none to Envoy.
    #[error("edge: limits.{0}: must not be zero")]
    Limit(&'static str),
}

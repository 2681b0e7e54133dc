//! What the configuration is generated from.

use std::net::SocketAddr;
use std::path::PathBuf;

use postern_endpoint::{Assets, ConfigurationError, Endpoint};
use serde_json::Value;

/// Everything that the edge has to know. Paths are those on the proxy's machine.
#[derive(Clone, Debug)]
pub struct EdgePolicy {
    /// Where browsers and applications connect.
    pub listener: SocketAddr,
    /// The public certificate.
    pub tls: TlsFiles,
    /// Values of Host that are ours, such as `sso.example.com` or `sso.example.com:8443`.
    pub hosts: Vec<String>,
    /// Postern's public listener in the LAN.
    pub upstream: Upstream,
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
    /// Envoy's administration, on loopback. None: switched off.
    pub administration: Option<SocketAddr>,
    /// Where the access log goes.
    pub access_log: AccessLog,
    /// Sizes, times and numbers.
    pub limits: Limits,
}

/// A certificate chain and its key, PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Leaf first.
    pub certificate_chain: PathBuf,
    /// The leaf's key.
    pub private_key: PathBuf,
}

/// The host in the LAN, and how the two prove who they are.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Address or DNS name.
    pub address: String,
    /// Port of the public listener.
    pub port: u16,
    /// Name in the host's certificate, sent as SNI and required as DNS subject.
    pub server_name: String,
    /// The authority that issued the host's certificate, PEM.
    pub authority: PathBuf,
    /// What the proxy shows to the host.
    pub client: TlsFiles,
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
    /// Envoy's administration must not be reachable from outside the machine.
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
    /// A limit of zero would be none to Envoy.
    #[error("edge: limits.{0}: must not be zero")]
    Limit(&'static str),
}

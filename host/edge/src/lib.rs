//! The configuration of the proxy in the DMZ.
//!
//! `postern edge config --for envoy` hands an [`EdgePolicy`] to [`envoy_configuration`] and
//! prints what comes back: a complete static configuration of Envoy 1.40 with the filters, their
//! JSON, and every setting that keeps the filters' verdicts true. The demo and the tests use
//! exactly that output.

mod access_log;
mod apache;
mod cluster;
mod envoy;
pub mod explain;
mod filter;
mod http;
mod listener;
mod nginx;
mod nginx_location;
mod nginx_version;
mod policy;
mod preset;
mod rate_limit;
pub mod settings;
mod starter;
mod text;

pub use apache::apache_configuration;
pub use envoy::envoy_configuration;
pub use filter::{filter_configurations, guard_configuration};
pub use nginx::{nginx_configuration, nginx_configuration_for};
pub use nginx_version::{NginxVersion, NotAVersion};
pub use policy::{
    AccessLog, Arrangement, Balancing, Behind, ClientAuthority, EdgeError, EdgePolicy, Guard, HealthCheck,
    KeyCluster, Limits, Node, TlsFiles, Upstream,
};
pub use starter::starter;

/// The cluster that requests are sent to.
pub const LAN_CLUSTER: &str = "postern_lan";

/// The cluster for the filters' own calls (published keys): the same host with limits of its own,
/// so that a flood of requests can't keep the filters from their keys.
pub const CALLOUT_CLUSTER: &str = "postern_callout";

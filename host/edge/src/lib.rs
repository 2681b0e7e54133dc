//! The configuration of the proxy in the DMZ.
//!
//! `postern edge config --for envoy` hands an [`EdgePolicy`] to [`envoy_configuration`] and
//! prints what comes back: a complete static configuration of Envoy 1.40 with the filters, their
//! JSON, and every setting that keeps the filters' verdicts true. The demo and the tests use
//! exactly that output.

mod access_log;
mod cluster;
mod envoy;
mod filter;
mod http;
mod listener;
mod policy;
mod rate_limit;
mod text;

pub use envoy::envoy_configuration;
pub use policy::{AccessLog, EdgeError, EdgePolicy, Guard, Limits, TlsFiles, Upstream};

/// The cluster that requests are sent to.
pub const LAN_CLUSTER: &str = "postern_lan";

/// The cluster for the filters' own calls (published keys): the same host with limits of its own,
/// so that a flood of requests can't keep the filters from their keys.
pub const CALLOUT_CLUSTER: &str = "postern_callout";

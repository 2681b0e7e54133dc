//! The same in nginx.
#[path = "edge_federation.rs"]
mod edge_federation;

//! The same in nginx.
#[path = "edge_certificate.rs"]
mod edge_certificate;

//! The same in nginx.
#[path = "policy_headers.rs"]
mod policy_headers;

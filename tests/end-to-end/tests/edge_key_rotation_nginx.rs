//! The same in nginx.
#[path = "edge_key_rotation.rs"]
mod edge_key_rotation;

//! The same in nginx.
#[path = "edge_asks_postern.rs"]
mod edge_asks_postern;

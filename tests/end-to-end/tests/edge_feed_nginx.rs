//! The same in nginx.
#[path = "edge_feed.rs"]
mod edge_feed;

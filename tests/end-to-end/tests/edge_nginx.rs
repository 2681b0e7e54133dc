//! The same in nginx.
#[path = "edge/catalogue.rs"]
mod catalogue;
#[path = "edge/requests.rs"]
mod requests;
#[path = "edge/rules.rs"]
mod rules;
#[path = "edge/world.rs"]
mod world;

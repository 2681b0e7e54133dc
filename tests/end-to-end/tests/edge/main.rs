//! The generated configuration in a real Envoy, with the endpoint filter, over both TLS legs.
mod catalogue;
mod envoy_alone;
mod requests;
mod rules;
mod world;

//! The token-validator alone in a real Envoy, with issuers that misbehave.
mod algorithms;
mod asked;
mod authorization;
mod binding;
mod configuration;
mod introspection;
mod introspection_binding;
mod keys;
mod leaving;
mod oidc_provider;
mod reload;
mod routes;
mod storm;
mod updates;
mod workers;
mod world;

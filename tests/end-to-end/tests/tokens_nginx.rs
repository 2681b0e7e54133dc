//! The token-validator alone in nginx, with issuers that misbehave: the same tests, with another proxy.
#[path = "tokens/algorithms.rs"]
mod algorithms;
#[path = "tokens/asked.rs"]
mod asked;
#[path = "tokens/authorization.rs"]
mod authorization;
#[path = "tokens/binding.rs"]
mod binding;
#[path = "tokens/configuration.rs"]
mod configuration;
#[path = "tokens/introspection.rs"]
mod introspection;
#[path = "tokens/introspection_binding.rs"]
mod introspection_binding;
#[path = "tokens/keys.rs"]
mod keys;
#[path = "tokens/leaving.rs"]
mod leaving;
#[path = "tokens/oidc_provider.rs"]
mod oidc_provider;
#[path = "tokens/reload.rs"]
mod reload;
#[path = "tokens/routes.rs"]
mod routes;
#[path = "tokens/storm.rs"]
mod storm;
#[path = "tokens/updates.rs"]
mod updates;
#[path = "tokens/workers.rs"]
mod workers;
#[path = "tokens/world.rs"]
mod world;

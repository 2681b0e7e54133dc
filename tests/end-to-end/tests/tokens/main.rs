//! The token-validator alone in a real Envoy, with issuers that misbehave.
mod algorithms;
mod binding;
mod keys;
mod leaving;
mod reload;
mod routes;
mod updates;
mod workers;
mod world;

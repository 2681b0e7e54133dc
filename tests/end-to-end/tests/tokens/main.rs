//! The token-validator alone in a real Envoy, with issuers that misbehave.
mod algorithms;
mod keys;
mod routes;
mod world;

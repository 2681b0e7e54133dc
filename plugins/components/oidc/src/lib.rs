//! Component: OAuth 2.0 and OpenID Connect
#![cfg(target_family = "wasm")]

//! Authenticator: password
#![cfg(target_family = "wasm")]

//! Component: SAML 2.0
#![cfg(target_family = "wasm")]

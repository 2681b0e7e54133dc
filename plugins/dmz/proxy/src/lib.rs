//! The proxy-wasm ABI behind calls that cannot panic
#![cfg(target_family = "wasm")]

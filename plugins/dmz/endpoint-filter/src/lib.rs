//! DMZ filter: only declared endpoints, only canonical requests
#![cfg(target_family = "wasm")]

//! A bump allocator for guests that live for one request
#![cfg(target_family = "wasm")]

//! Hostile guest: traps, spins, allocates, returns too much, on request
#![cfg(target_family = "wasm")]

//! DMZ filter: bearer tokens judged before the LAN sees them
#![cfg(target_family = "wasm")]

//! DMZ filter: SAML requests decoded and judged before the LAN sees them
#![cfg(target_family = "wasm")]

//! DMZ filter: SAML requests decoded and judged before the LAN sees them.
//!
//! A thin face over `postern_saml::judge`: queries are judged in the header callback, bodies
//! before their first byte goes upstream. Other paths are not looked at, but for spellings that a
//! server in the LAN could take for a judged path. Configuration:
//! [`postern_saml::DecoderConfiguration`].
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports of the proxy-wasm ABI")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod decoder;
mod exchange;
mod replay;

use decoder::SamlDecoder;

postern_proxy::filter!(SamlDecoder);

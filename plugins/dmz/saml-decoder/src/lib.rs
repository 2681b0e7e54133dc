//! DMZ filter: SAML requests decoded and judged before the LAN sees them.
//!
//! A thin face over `postern_saml::judge`: queries are judged in the header callback, bodies
//! before their first byte goes upstream. What is judged, and what other applications behind the
//! same proxy may send, is told by [`postern_saml::DecoderConfiguration::arrival`]: the filter is
//! as strict alone as behind the endpoint filter.
#![cfg(target_family = "wasm")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod decoder;
mod exchange;
mod memory;

pub use decoder::SamlDecoder;
pub use exchange::SamlExchange;

//! Client certificates (RFC 5280) as the one reads them who signs people in with them.
//!
//! [`ClientCertificate`] is what a browser has shown in TLS, [`Trust`] whose word counts. That the browser has
//! the key is TLS's to prove, at the proxy. Trust anchors, authorities between, time and the verification of
//! signatures are arguments; nothing is fetched, and revocation is the proxy's to look at.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

extern crate alloc;

mod authority;
mod client;
mod ecdsa;
mod extensions;
mod name;
mod path;
mod pem;
mod signed;

pub use authority::Authority;
pub use client::ClientCertificate;
pub use ecdsa::fixed_ecdsa;
pub use name::NameKind;
pub use path::{MAX_AUTHORITIES, Trust, Vouched};
pub use pem::certificates_of_pem;

/// Most bytes of a certificate's DER.
pub const MAX_DER: usize = 16 << 10;

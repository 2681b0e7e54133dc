//! What a browser sends with `Authorization: Negotiate` (RFC 4559): a SPNEGO token (RFC 4178) around a token of the
//! Kerberos mechanism (RFC 4121 section 4.1) around an AP-REQ (RFC 4120 section 5.5.1).
//!
//! [`ap_req_of`] unwraps it. [`der`] reads the DER of both; decryption is not here: whoever has the keys does it.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

extern crate alloc;

pub mod der;
mod token;

pub use token::{MAX_TOKEN, ap_req_of};

//! Passkeys: the ceremonies of Web Authentication Level 2 as the relying party judges them.
//!
//! [`Registration`] is what a browser answers to `navigator.credentials.create`, section 7.1;
//! [`Assertion`] what it answers to `navigator.credentials.get`, section 7.2. Each step of those sections
//! has its place in [`Registration::verify`] and [`Assertion::verify`]. Challenge, origin, relying party,
//! algorithms, trust anchors, time and the verification of signatures are arguments.
//!
//! [`CreationOptions`] and [`RequestOptions`] are what a page may ask of a browser: the component writes
//! them, and the host reads them by the same rule before a page has them.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

extern crate alloc;

mod answer;
mod assertion;
mod attestation;
mod authenticator_data;
mod bytes;
mod cbor;
mod client_data;
mod cose_key;
mod ecdsa;
mod expected;
mod options;
mod record;
mod registration;

pub use assertion::{Assertion, Authenticated};
pub use attestation::{Attested, Trust};
pub use bytes::Base64Url;
pub use cose_key::COSE_ALGORITHMS;
pub use expected::{Expected, UserVerification, rp_id_of};
pub use options::{
    Attestation, CreationOptions, CredentialType, DescribedCredential, Parameters, Preference, RelyingParty,
    RequestOptions, Selection, Transport, User,
};
pub use record::{Record, RecordError};
pub use registration::{Registered, Registration};

/// Most bytes of a credential id: section 5.8.3 and 7.1 of Level 3.
pub const MAX_CREDENTIAL_ID: usize = 1_023;
/// Bytes of a challenge: section 13.4.3 asks for 16 at least.
pub const CHALLENGE: usize = 32;

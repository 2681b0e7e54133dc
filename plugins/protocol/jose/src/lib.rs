//! JSON Web Tokens and keys, read strictly.
//!
//! - [`UnverifiedJws`] reads a compact JWS (RFC 7515 section 7.1); its claims can be reached only
//!   through [`UnverifiedJws::verify`], as [`Verified`] claims.
//! - [`KeySet`] reads a JWK Set (RFC 7517) and [`write_key_set`] writes one.
//! - [`judge_access_token`] is the one rule for access tokens (RFC 9068): the DMZ filter, the LAN
//!   component and the tests call it.
//! - [`judge_introspection`] is the one for what an issuer answers about a token (RFC 7662).
//! - [`SigningInput`] builds tokens: the kernel signs, so a token is bytes until it has a signature.
//! - [`validator`] is the configuration and the decisions of the token-validator filter.
//!
//! Cryptography, time and keys are arguments.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod access_token;
mod base64url;
mod binding;
mod building;
mod claims;
mod dpop;
mod introspection;
pub mod json;
mod jwk;
mod jwk_writing;
mod jws;
mod limits;
mod scope;
pub mod validator;
mod verified;

pub use access_token::{
    ACCESS_TOKEN_TYPES, AccessToken, AccessTokenRule, GRANT_CLAIM, UnverifiedAccessToken, judge_access_token,
    unknown_issuer,
};
pub use base64url::{decode as base64url_decode, encode as base64url_encode};
pub use binding::{CertificateDigest, check_binding, is_bound_to_certificate, read_certificate_digest};
pub use building::SigningInput;
pub use claims::Claims;
pub use dpop::{DpopProof, DpopRule, MAX_PROOF, judge_dpop_proof, read_dpop_header};
pub use introspection::{
    IntrospectionAnswer, IntrospectionRule, MAX_INTROSPECTION_ANSWER, judge_introspection,
};
pub use jwk::{Key, KeySet, MAX_KEY_SET, MAX_KEYS};
pub use jwk_writing::{PublishedKey, write_key_set};
pub use jws::{Header, MAX_TOKEN, UnverifiedJws};
pub use limits::{DEFAULT_CLOCK_SKEW, MAX_CLOCK_SKEW, MAX_TOKEN_LIFETIME};
pub use scope::{MAX_SCOPES, Scopes};
pub use verified::Verified;

//! Every parser of what comes from outside, as functions of bytes that must not panic.
//!
//! The fuzz targets (`tests/fuzz`) and a bounded run over mutated vectors (`tests/mutations.rs`)
//! use the same table. Where a parser accepts, what it promises is checked.
use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};

pub mod authorization;
pub mod certificates;
pub mod host;
pub mod manifest;
pub mod otp;
pub mod passkeys;
pub mod providers;
pub mod requests;
pub mod saml;
pub mod sign_on;
pub mod spnego;
pub mod tokens;
pub mod wire;

/// A parser by the name of its fuzz target.
pub type Parser = (&'static str, fn(&[u8]));

/// All of them.
pub const PARSERS: [Parser; 40] = [
    ("form", requests::form),
    ("endpoint_target", requests::endpoint_target),
    ("endpoint_client", requests::endpoint_client),
    ("xml", requests::xml),
    ("saml_redirect", saml::saml_redirect),
    ("saml_post", saml::saml_post),
    ("saml_arrival", saml::saml_arrival),
    ("saml_metadata", saml::saml_metadata),
    ("saml_artifact_resolve", saml::saml_artifact_resolve),
    ("saml_response", saml::saml_response),
    ("saml_sign_on", saml::saml_sign_on),
    ("wsfed", saml::wsfed),
    ("wsfed_token", saml::wsfed_token),
    ("sign_on_form", sign_on::sign_on_form),
    ("jws", tokens::jws),
    ("access_token", tokens::access_token),
    ("bearer", tokens::bearer),
    ("jwks", tokens::jwks),
    ("dpop_proof", tokens::dpop_proof),
    ("introspection", tokens::introspection),
    ("cache_control", tokens::cache_control),
    ("authorization_request", authorization::authorization_request),
    ("token_request", authorization::token_request),
    ("client_registration", authorization::client_registration),
    ("provider_metadata", providers::provider_metadata),
    ("token_answer", providers::token_answer),
    ("manifest", manifest::manifest),
    ("otp", otp::otp),
    ("webauthn_attestation", passkeys::webauthn_attestation),
    ("webauthn_assertion", passkeys::webauthn_assertion),
    ("webauthn_json", passkeys::webauthn_json),
    ("client_certificate", certificates::client_certificate),
    ("spnego", spnego::spnego),
    ("feed", wire::feed),
    ("header_pairs", wire::header_pairs),
    ("connection", wire::connection),
    ("guard", wire::guard),
    ("guest_pairs", host::guest_pairs),
    ("verify_signature", host::verify_signature),
    ("call_response", host::call_response),
];

/// Seconds since 1970: any time will do.
const NOW: u64 = 1_790_000_000;
const BASE_URL: &str = "https://sso.example.com";

/// So that whatever is accepted was accepted without a signature.
struct NothingIsGood;

impl Verifier for NothingIsGood {
    fn verify(&self, _: Algorithm, _: &PublicKey, _: &[u8], _: &[u8]) -> Result<(), VerifyError> {
        Err(VerifyError::Mismatch)
    }
}

/// So that what stands behind a signature is reached.
struct AnythingIsGood;

impl Verifier for AnythingIsGood {
    fn verify(&self, _: Algorithm, _: &PublicKey, _: &[u8], _: &[u8]) -> Result<(), VerifyError> {
        Ok(())
    }
}

//! OAuth 2.0: authorization requests, token requests, client authentication, PKCE (RFC 6749,
//! 7009, 7523, 7636, 7662, 9207 and the best current practice of RFC 9700).
//!
//! Rules in the order of a code flow:
//! 1. [`Registration`]: what the operator allowed a client.
//! 2. [`AuthorizationRequest::judge`]: errors are split by type into those that get a page and
//!    those that are sent to the client.
//! 3. [`ClientCredentials::read`] and [`ClientCredentials::judge`]: who calls the token endpoint.
//! 4. [`TokenRequest::read`] and [`check_code_verifier`].
//!
//! Time, keys, the registration and secret comparison are arguments or steps.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod access_token;
mod authorization_client;
mod authorization_error;
mod authorization_request;
mod authorization_response;
mod client_assertion;
mod client_credentials;
mod digest;
mod one_time_value;
mod parameter;
mod pkce;
mod redirect_uri;
mod registration;
mod secret;
mod token_error;
mod token_management;
mod token_request;

pub use access_token::{AccessTokenContent, access_token_audience};
pub use authorization_client::AuthorizationClient;
pub use authorization_error::{AuthorizationError, AuthorizationErrorCode, ErrorRedirect};
pub use authorization_request::{AuthorizationRequest, client_id, unknown_client};
pub use authorization_response::{AuthorizationAnswer, ResponseMode, ResponseTarget, with_query};
pub use client_assertion::{ASSERTION_ALGORITHMS, CLIENT_ASSERTION_TYPE};
pub use client_credentials::{AuthenticationStep, ClientCredentials, wrong_secret};
pub use digest::{at_hash, sha256};
pub use one_time_value::{ONE_TIME_VALUE_BYTES, OneTimeKind, OneTimeValue};
pub use pkce::{CodeChallenge, check_code_verifier};
pub use redirect_uri::check_redirect_uri;
pub use registration::{
    AuthenticationMethod, ClaimMapping, GrantType, Registration, SigningAlgorithm, SubjectType,
};
pub use secret::Secret;
pub use token_error::{TokenError, TokenErrorCode};
pub use token_management::TokenQuery;
pub use token_request::{GrantRequest, TokenRequest};

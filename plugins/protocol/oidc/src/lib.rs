//! OpenID Connect: what it adds to OAuth 2.0 (OpenID Connect Core 1.0, Discovery 1.0, RP-Initiated
//! Logout 1.0, RFC 8414).
//!
//! - [`AuthenticationRequest`]: `prompt`, `max_age`, `acr_values`, `login_hint`, `id_token_hint`.
//! - [`IdToken`] and [`judge_id_token_hint`]: ID tokens written, and read again as a hint.
//! - [`released_claims`]: scopes to claims, for the ID token and for userinfo.
//! - Discovery: [`metadata`].
//! - [`LogoutRequest`]: RP-initiated logout.
//! - [`AuthorizationGuard`]: authorization requests at the edge.
//! - [`relying_party`]: the other side, a sign-in at an outside provider.
//! - [`GrantData`] and [`PendingAuthorization`]: what the component keeps between requests.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod authentication_request;
mod authorization_guard;
mod claims;
mod id_token;
mod id_token_hint;
mod kept;
mod logout;
mod metadata;
mod prompt;
pub mod relying_party;

pub use authentication_request::{AuthenticationRequest, invalid_request};
pub use authorization_guard::{
    AuthorizationGuard, MAX_AUTHORIZATION_BODY, browser_parameters, unexpected_body,
};
pub use claims::{SubjectClaim, released_claims, userinfo};
pub use id_token::{ID_TOKEN_TYPE, IdToken};
pub use id_token_hint::{IdTokenHint, judge_id_token_hint};
pub use kept::{CodeData, GrantData, PendingAuthorization, RefreshData};
pub use logout::{LogoutRequest, LogoutTarget};
pub use metadata::{ENDPOINTS, SIGNING_ALGORITHMS, metadata};
pub use prompt::Prompt;

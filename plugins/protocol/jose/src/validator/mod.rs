//! The token-validator filter: its configuration and what it decides, without the proxy.

mod bearer;
mod cache;
mod cache_control;
mod claim_header;
mod claim_path;
mod configuration;
mod dpop_nonce;
mod dpop_settings;
mod issuer;
mod proof_memory;
mod refresh;
mod route;
mod route_configuration;
mod route_rule;

pub use bearer::{
    Denial, Scheme, check_scopes, demand_nonce, demand_proof, deny, deny_proof, not_ready,
    read_authorization, read_bearer,
};
pub use cache::{MAX_CACHED_TOKEN, TokenCache};
pub use cache_control::refresh_interval;
pub use claim_header::{CLIENT_ID_HEADER, SCOPE_HEADER, SUBJECT_HEADER, header_value, headers, logged};
pub use claim_path::ClaimPath;
pub use configuration::{MAX_CACHED_TOKENS, MAX_ISSUERS, RESERVED_PREFIX, ValidatorConfiguration};
pub use dpop_nonce::{NONCE_SECRET, NonceSecret};
pub use dpop_settings::DpopSettings;
pub use issuer::{Issuer, JwksSource};
pub use proof_memory::{ProofEntry, ProofMemory};
pub use refresh::KeyRefresh;
pub use route::find_route;
pub use route_configuration::{ClaimHeader, ClaimRule, Route, RoutePath};
pub use route_rule::check_route;

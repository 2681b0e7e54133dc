//! The token-validator filter: its configuration and what it decides, without the proxy.

mod answer_memory;
mod bearer;
mod cache;
mod cache_control;
mod claim_header;
mod claim_path;
mod configuration;
mod dpop_nonce;
mod dpop_settings;
mod generations;
mod introspection_refusal;
mod introspection_settings;
mod issuer;
mod proof_memory;
mod refresh;
mod report_only;
mod route;
mod route_configuration;
mod route_rule;
mod token_digest;

pub use answer_memory::{AnswerMemory, Remembered};
pub use bearer::{
    Denial, Scheme, check_scopes, demand_nonce, demand_proof, deny, deny_proof, not_ready,
    read_authorization, read_bearer,
};
pub use cache::{MAX_CACHED_TOKEN, TokenCache};
pub use cache_control::refresh_interval;
pub use claim_header::{CLIENT_ID_HEADER, SCOPE_HEADER, SUBJECT_HEADER, header_value, headers, logged};
pub use claim_path::ClaimPath;
pub use configuration::{Judge, MAX_CACHED_TOKENS, MAX_ISSUERS, RESERVED_PREFIX, ValidatorConfiguration};
pub use dpop_nonce::{NONCE_SECRET, NonceSecret};
pub use dpop_settings::DpopSettings;
pub use introspection_refusal::{client_rate_exceeded, deny_answer, rate_exceeded, unreachable};
pub use introspection_settings::{
    ClientAuthentication, ClientSecret, Introspection, IntrospectionRequest, Member,
};
pub use issuer::{Issuer, JwksSource};
pub use proof_memory::{PROOF_MEMORY_KEY, ProofEntry, ProofMemory};
pub use refresh::KeyRefresh;
pub use report_only::ReportOnly;
pub use route::find_route;
pub use route_configuration::{ClaimHeader, ClaimRule, Route, RoutePath};
pub use route_rule::check_route;
pub use token_digest::TokenDigest;

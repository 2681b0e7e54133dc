//! The token-validator filter: its configuration and what it decides, without the proxy.

mod bearer;
mod cache;
mod claim_header;
mod configuration;
mod refresh;
mod route;

pub use bearer::{Denial, check_scopes, deny, not_ready, read_bearer};
pub use cache::{MAX_CACHED_TOKEN, TokenCache};
pub use claim_header::{CLIENT_ID_HEADER, SCOPE_HEADER, SUBJECT_HEADER, header_value, headers};
pub use configuration::{
    JwksSource, MAX_CACHED_TOKENS, RESERVED_PREFIX, Route, RoutePath, ValidatorConfiguration,
};
pub use refresh::{KeyRefresh, REFETCH_PAUSE};
pub use route::find_route;

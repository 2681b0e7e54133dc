//! Limits that whoever issues tokens and whoever judges them have in common.

/// Longest time from `iat` to `exp` that an access token may have, in seconds: one day. A
/// registration can't give more, and nobody accepts more.
pub const MAX_TOKEN_LIFETIME: u64 = 86_400;

/// How far clocks may differ where the operator says nothing, in seconds.
pub const DEFAULT_CLOCK_SKEW: u64 = 30;

/// How far the operator may let them differ, in seconds.
pub const MAX_CLOCK_SKEW: u64 = 300;

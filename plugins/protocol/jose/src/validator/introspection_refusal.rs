//! Tokens about which nothing is known, because the issuer could not be asked.

use super::bearer::{Denial, deny};
use postern_refusal::Refusal;

/// The answer for a judged token: 401 and `invalid_token` when the issuer has spoken about it, else no
/// challenge, since nobody's token is wrong.
pub fn deny_answer(refusal: Refusal) -> Denial {
    if refusal.status == 401 {
        return deny(refusal);
    }
    Denial { refusal, challenge: None, dpop_nonce: None }
}

/// No answer came, or none that could be taken (503).
pub fn unreachable(found: &str) -> Refusal {
    Refusal::misbehaved("token.introspection.unreachable")
        .with_status(503)
        .at("introspection")
        .expected("an answer of the issuer")
        .found(found)
}

/// More tokens are unknown than the issuer may be asked about (503).
pub fn rate_exceeded(expected: &str) -> Refusal {
    Refusal::misbehaved("token.introspection.rate").with_status(503).at("introspection").expected(expected)
}

/// One client brings more unknown tokens than the issuer may be asked about for it (429).
pub fn client_rate_exceeded(calls_per_minute: u32) -> Refusal {
    Refusal::misbehaved("token.introspection.client-rate")
        .with_status(429)
        .at("introspection")
        .expected(&format!("{calls_per_minute} unknown tokens of one client a minute"))
}

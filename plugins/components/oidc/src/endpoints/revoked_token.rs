//! Access tokens without a grant that were revoked before they expired.

use crate::bindings::kernel::{self, Taken};
use postern_jose::AccessToken;
use postern_oauth::sha256;

/// How long after `exp` a token may still be accepted by somebody, in seconds.
const LONGEST_SKEW: u64 = 300;

pub(super) fn revoke(token: &AccessToken) {
    if !is_revoked(token) {
        let until = token.expires_at.saturating_add(LONGEST_SKEW);
        kernel::put(&key(token), &[], None, until);
    }
}

/// Taken for the first time or again: either way it was put there.
pub(super) fn is_revoked(token: &AccessToken) -> bool {
    !matches!(kernel::take(&key(token)), Taken::Absent)
}

fn key(token: &AccessToken) -> String {
    format!("revoked:{}", sha256(token.token_id.as_bytes()))
}

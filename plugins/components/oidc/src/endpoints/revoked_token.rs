//! Access tokens without a grant that were revoked before they expired.

use crate::bindings::kernel::{self, Taken};
use postern_jose::{AccessToken, MAX_CLOCK_SKEW};
use postern_oauth::sha256;

pub(super) fn revoke(token: &AccessToken) {
    if !is_revoked(token) {
        // For so long after `exp` somebody may still accept it.
        let until = token.expires_at.saturating_add(MAX_CLOCK_SKEW);
        kernel::put(&key(token), &[], None, until);
    }
}

/// Taken for the first time or again: either way it was put there.
pub(super) fn is_revoked(token: &AccessToken) -> bool {
    !matches!(kernel::take(&key(token)), Taken::Absent)
}

fn key(token: &AccessToken) -> String {
    format!("revoked:{}", sha256(token.token_id.as_deref().unwrap_or_default().as_bytes()))
}

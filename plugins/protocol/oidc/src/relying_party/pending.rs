//! What is kept while somebody is at the provider.

use postern_jose::json::{Value, read_object};
use postern_refusal::Refusal;

/// Of one authorization request. Whoever comes back brings the `state`; nonce and verifier never leave us but
/// in the requests that they belong to.
#[derive(Clone, PartialEq, Eq)]
pub struct PendingSignIn {
    /// `state` (RFC 6749 section 10.12).
    pub state: String,
    /// `nonce`, which the ID token repeats (OpenID Connect Core section 3.1.2.1).
    pub nonce: String,
    /// `code_verifier` (RFC 7636 section 4.1).
    pub code_verifier: String,
    /// [`super::IdTokenRule::authenticated_since`].
    pub authenticated_since: Option<u64>,
    /// [`super::IdTokenRule::max_age`].
    pub max_age: Option<u64>,
}

impl core::fmt::Debug for PendingSignIn {
    /// Nothing of it: it is secret.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PendingSignIn")
    }
}

impl PendingSignIn {
    /// As it is kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { state, nonce, code_verifier, authenticated_since, max_age } = self;
        serde_json::json!({
            "state": state,
            "nonce": nonce,
            "code_verifier": code_verifier,
            "authenticated_since": authenticated_since,
            "max_age": max_age,
        })
        .to_string()
        .into_bytes()
    }

    /// Read again.
    ///
    /// # Errors
    /// `oidc.pending.malformed`: it is not what we kept.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let malformed =
            || Refusal::internal("oidc.pending.malformed").expected("what was kept at the request");
        let object = read_object("pending sign-in", bytes).map_err(|_| malformed())?;
        let text = |name: &str| {
            let text = object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or_else(malformed)
        };
        let seconds = |name: &str| match object.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(seconds) => seconds.as_u64().map(Some).ok_or_else(malformed),
        };
        Ok(Self {
            state: text("state")?,
            nonce: text("nonce")?,
            code_verifier: text("code_verifier")?,
            authenticated_since: seconds("authenticated_since")?,
            max_age: seconds("max_age")?,
        })
    }
}

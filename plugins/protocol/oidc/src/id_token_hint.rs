//! An ID token of ours that comes back as a hint (OpenID Connect Core section 3.1.2.1,
//! RP-Initiated Logout section 2).

use crate::id_token::ID_TOKEN_TYPE;
use postern_jose::{KeySet, UnverifiedJws, Verified};
use postern_refusal::Refusal;
use postern_signature::{Algorithm, Verifier};

/// Whom a hint is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdTokenHint {
    /// `sub`, as the client knows the person.
    pub subject: String,
    /// `aud`: the client that it was issued to.
    pub client_id: String,
    /// `sid`.
    pub session_index: Option<String>,
}

impl IdTokenHint {
    /// Whether the hint was issued to this client.
    ///
    /// # Errors
    /// `oidc.id-token-hint.client`.
    pub fn check_client(&self, client_id: &str) -> Result<(), Refusal> {
        if self.client_id == client_id {
            return Ok(());
        }
        Err(Refusal::misbehaved("oidc.id-token-hint.client")
            .at("id_token_hint")
            .expected("an ID token of this client")
            .found(&self.client_id))
    }
}

/// Judges a hint. It may be expired: it tells whom a client means, and opens nothing.
///
/// # Errors
/// `oidc.id-token-hint.type`, `oidc.id-token-hint.issuer`, `oidc.id-token-hint.audience`, and the
/// `jose.…` and `json.…` codes of its parts.
pub fn judge_id_token_hint(
    token: &str,
    issuer: &str,
    algorithms: &[Algorithm],
    keys: &KeySet,
    verifier: &dyn Verifier,
) -> Result<Verified<IdTokenHint>, Refusal> {
    let jws = UnverifiedJws::read(token)?;
    if jws.header().token_type.as_deref() != Some(ID_TOKEN_TYPE) {
        return Err(Refusal::misbehaved("oidc.id-token-hint.type").at("typ").expected("an ID token"));
    }
    jws.verify(keys, algorithms, verifier)?.and_then(|claims| {
        let found = claims.required_string("iss")?;
        if found != issuer {
            return Err(Refusal::misbehaved("oidc.id-token-hint.issuer")
                .at("iss")
                .expected(issuer)
                .found(found));
        }
        let audience = claims.audience()?;
        let [client_id] = audience.as_slice() else {
            return Err(Refusal::misbehaved("oidc.id-token-hint.audience").at("aud").expected("one client"));
        };
        Ok(IdTokenHint {
            subject: claims.required_string("sub")?.to_owned(),
            client_id: (*client_id).to_owned(),
            session_index: claims.string("sid")?.map(str::to_owned),
        })
    })
}

//! The rule for access tokens (RFC 9068): one function, whoever judges.

use crate::claims::Claims;
use crate::jwk::KeySet;
use crate::jws::UnverifiedJws;
use crate::scope::Scopes;
use crate::verified::Verified;
use postern_refusal::Refusal;
use postern_signature::{Algorithm, Verifier};

/// The claim that names the kernel's grant, so that a revoked grant ends its access tokens.
pub const GRANT_CLAIM: &str = "grant";

/// What an access token has to be.
#[derive(Clone, Debug)]
pub struct AccessTokenRule<'a> {
    /// `iss`, compared letter by letter.
    pub issuer: &'a str,
    /// Acceptable values of `aud`: one of them has to be among the token's.
    pub audiences: &'a [&'a str],
    /// Acceptable algorithms.
    pub algorithms: &'a [Algorithm],
    /// Longest time from `iat` to `exp`, in seconds.
    pub max_lifetime: u64,
    /// How far clocks may differ, in seconds.
    pub skew: u64,
}

/// A token that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// `sub`.
    pub subject: String,
    /// `client_id`.
    pub client_id: String,
    /// `scope`, empty when the token has none.
    pub scopes: Scopes,
    /// `aud`.
    pub audience: Vec<String>,
    /// `jti`.
    pub token_id: String,
    /// `iat`.
    pub issued_at: u64,
    /// `exp`.
    pub expires_at: u64,
    /// The grant that it was issued under: none for client credentials.
    pub grant: Option<String>,
    /// All claims.
    pub claims: Claims,
}

/// Judges a token. Every refusal has status 401.
///
/// # Errors
/// `token.type.mismatch`, `token.issuer.mismatch`, `token.audience.mismatch`, `token.expired`,
/// `token.not-yet-valid`, `token.lifetime.too-long`, and the `jose.…`, `json.…` and `oauth.scope.…`
/// codes of its parts.
pub fn judge_access_token(
    token: &str,
    rule: &AccessTokenRule<'_>,
    keys: &KeySet,
    now: u64,
    verifier: &dyn Verifier,
) -> Result<Verified<AccessToken>, Refusal> {
    let judge = || {
        let jws = UnverifiedJws::read(token)?;
        check_type(jws.header().token_type.as_deref())?;
        jws.verify(keys, rule.algorithms, verifier)?.and_then(|claims| check_claims(claims, rule, now))
    };
    judge().map_err(|refusal| refusal.with_status(401))
}

/// RFC 9068 section 4: an ID token or any other JWT of the issuer is no access token.
fn check_type(token_type: Option<&str>) -> Result<(), Refusal> {
    match token_type {
        Some("at+jwt" | "application/at+jwt") => Ok(()),
        other => Err(Refusal::misbehaved("token.type.mismatch")
            .at("typ")
            .expected("at+jwt")
            .found(other.unwrap_or("none"))),
    }
}

fn check_claims(claims: Claims, rule: &AccessTokenRule<'_>, now: u64) -> Result<AccessToken, Refusal> {
    let issuer = claims.required_string("iss")?;
    if issuer != rule.issuer {
        return Err(Refusal::misbehaved("token.issuer.mismatch")
            .at("iss")
            .expected(rule.issuer)
            .found(issuer));
    }
    let audience = claims.audience()?;
    if !audience.iter().any(|value| rule.audiences.contains(value)) {
        return Err(Refusal::misbehaved("token.audience.mismatch")
            .at("aud")
            .expected(&rule.audiences.join(", "))
            .found(&audience.join(", ")));
    }
    let (issued_at, expires_at) = check_times(&claims, rule, now)?;
    Ok(AccessToken {
        subject: claims.required_string("sub")?.to_owned(),
        client_id: claims.required_string("client_id")?.to_owned(),
        scopes: claims.string("scope")?.map(Scopes::read).transpose()?.unwrap_or_default(),
        audience: audience.into_iter().map(str::to_owned).collect(),
        token_id: claims.required_string("jti")?.to_owned(),
        issued_at,
        expires_at,
        grant: claims.string(GRANT_CLAIM)?.map(str::to_owned),
        claims,
    })
}

fn check_times(claims: &Claims, rule: &AccessTokenRule<'_>, now: u64) -> Result<(u64, u64), Refusal> {
    let issued_at = claims.required_time("iat")?;
    let expires_at = claims.required_time("exp")?;
    let soonest = claims.time("nbf")?.unwrap_or(issued_at).max(issued_at);
    if now >= expires_at.saturating_add(rule.skew) {
        return Err(Refusal::misbehaved("token.expired")
            .at("exp")
            .expected(&format!("later than {now}"))
            .found(&expires_at.to_string()));
    }
    if soonest > now.saturating_add(rule.skew) {
        return Err(Refusal::misbehaved("token.not-yet-valid")
            .at("nbf")
            .expected(&format!("{now} at the latest"))
            .found(&soonest.to_string()));
    }
    match expires_at.checked_sub(issued_at) {
        Some(lifetime) if lifetime > 0 && lifetime <= rule.max_lifetime => Ok((issued_at, expires_at)),
        _ => Err(Refusal::misbehaved("token.lifetime.too-long")
            .at("exp")
            .expected(&format!("{} seconds after iat at most", rule.max_lifetime))
            .found(&expires_at.to_string())),
    }
}

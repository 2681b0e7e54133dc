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

/// `typ` of an access token (RFC 9068 section 4).
pub const ACCESS_TOKEN_TYPES: [&str; 2] = ["at+jwt", "application/at+jwt"];

/// What an access token has to be.
#[derive(Clone, Debug)]
pub struct AccessTokenRule<'a> {
    /// `iss`, compared letter by letter.
    pub issuer: &'a str,
    /// Acceptable values of `aud`: one of them has to be among the token's.
    pub audiences: &'a [&'a str],
    /// Acceptable algorithms.
    pub algorithms: &'a [Algorithm],
    /// Acceptable values of `typ`: [`ACCESS_TOKEN_TYPES`] for an issuer that follows RFC 9068.
    pub types: &'a [&'a str],
    /// Longest time from `iat` to `exp`, in seconds.
    pub max_lifetime: u64,
    /// How far clocks may differ, in seconds.
    pub skew: u64,
}

/// A token that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `client_id`, or `azp` in a token of another type than those of RFC 9068.
    pub client_id: String,
    /// `scope`, empty when the token has none.
    pub scopes: Scopes,
    /// `aud`.
    pub audience: Vec<String>,
    /// `jti`, which only the types of RFC 9068 need.
    pub token_id: Option<String>,
    /// `iat`.
    pub issued_at: u64,
    /// `exp`.
    pub expires_at: u64,
    /// The grant that it was issued under: none for client credentials.
    pub grant: Option<String>,
    /// All claims.
    pub claims: Claims,
}

/// A token of which only the form was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedAccessToken<'a> {
    jws: UnverifiedJws<'a>,
    issuer: String,
}

impl<'a> UnverifiedAccessToken<'a> {
    /// Reads the form. Every refusal has status 401.
    ///
    /// # Errors
    /// The `jose.…` and `json.…` codes of its parts.
    pub fn read(token: &'a str) -> Result<Self, Refusal> {
        let read = || {
            let jws = UnverifiedJws::read(token)?;
            let issuer = jws.claimed_issuer()?;
            Ok(Self { jws, issuer })
        };
        read().map_err(|refusal: Refusal| refusal.with_status(401))
    }

    /// The issuer that the token claims: it chooses whose keys and rule judge the token, and is
    /// never a fact.
    pub fn claimed_issuer(&self) -> &str {
        &self.issuer
    }

    /// Judges the token by the rule of its issuer, with that issuer's keys. Every refusal has
    /// status 401.
    ///
    /// # Errors
    /// `token.type.mismatch`, `token.issuer.mismatch`, `token.audience.mismatch`, `token.expired`,
    /// `token.not-yet-valid`, `token.lifetime.too-long`, `token.client.ambiguous`, and the `jose.…`,
    /// `json.…` and `oauth.scope.…` codes of its parts.
    pub fn judge(
        self,
        rule: &AccessTokenRule<'_>,
        keys: &KeySet,
        now: u64,
        verifier: &dyn Verifier,
    ) -> Result<Verified<AccessToken>, Refusal> {
        let judge = || {
            check_issuer(&self.issuer, rule)?;
            let token_type = self.jws.header().token_type.clone();
            let token_type = check_type(token_type.as_deref(), rule)?;
            self.jws
                .verify(keys, rule.algorithms, verifier)?
                .and_then(|claims| check_claims(claims, rule, token_type, now))
        };
        judge().map_err(|refusal| refusal.with_status(401))
    }
}

/// The refusal of a token whose issuer nobody knows, with status 401.
pub fn unknown_issuer(found: &str, expected: &str) -> Refusal {
    Refusal::misbehaved("token.issuer.mismatch").with_status(401).at("iss").expected(expected).found(found)
}

/// Judges a token where there is one issuer.
///
/// # Errors
/// Those of [`UnverifiedAccessToken::read`] and [`UnverifiedAccessToken::judge`].
pub fn judge_access_token(
    token: &str,
    rule: &AccessTokenRule<'_>,
    keys: &KeySet,
    now: u64,
    verifier: &dyn Verifier,
) -> Result<Verified<AccessToken>, Refusal> {
    UnverifiedAccessToken::read(token)?.judge(rule, keys, now, verifier)
}

fn check_issuer(issuer: &str, rule: &AccessTokenRule<'_>) -> Result<(), Refusal> {
    if issuer == rule.issuer { Ok(()) } else { Err(unknown_issuer(issuer, rule.issuer)) }
}

/// Which members a token has to have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Profile {
    /// RFC 9068: it says that it is an access token.
    AccessToken,
    /// An issuer from before: nothing but the audience tells it from an ID token.
    Other,
}

/// RFC 9068 section 4: an ID token or any other JWT of the issuer is no access token.
fn check_type(token_type: Option<&str>, rule: &AccessTokenRule<'_>) -> Result<Profile, Refusal> {
    match token_type {
        Some(found) if rule.types.contains(&found) => {
            let profile = ACCESS_TOKEN_TYPES.contains(&found);
            Ok(if profile { Profile::AccessToken } else { Profile::Other })
        }
        other => Err(Refusal::misbehaved("token.type.mismatch")
            .at("typ")
            .expected(&rule.types.join(", "))
            .found(other.unwrap_or("none"))),
    }
}

fn check_claims(
    claims: Claims,
    rule: &AccessTokenRule<'_>,
    profile: Profile,
    now: u64,
) -> Result<AccessToken, Refusal> {
    // Read again from what was verified.
    let issuer = claims.required_string("iss")?;
    check_issuer(issuer, rule)?;
    let audience = claims.audience()?;
    check_audience(&audience, rule.audiences)?;
    let (issued_at, expires_at) = check_times(&claims, rule, now)?;
    Ok(AccessToken {
        issuer: issuer.to_owned(),
        subject: claims.required_string("sub")?.to_owned(),
        client_id: client_id(&claims, profile)?.to_owned(),
        scopes: claims.string("scope")?.map(Scopes::read).transpose()?.unwrap_or_default(),
        audience: audience.into_iter().map(str::to_owned).collect(),
        token_id: match profile {
            Profile::AccessToken => Some(claims.required_string("jti")?.to_owned()),
            Profile::Other => claims.string("jti")?.map(str::to_owned),
        },
        issued_at,
        expires_at,
        grant: claims.string(GRANT_CLAIM)?.map(str::to_owned),
        claims,
    })
}

pub(crate) fn check_audience(found: &[&str], expected: &[&str]) -> Result<(), Refusal> {
    if found.iter().any(|value| expected.contains(value)) {
        return Ok(());
    }
    Err(Refusal::misbehaved("token.audience.mismatch")
        .at("aud")
        .expected(&expected.join(", "))
        .found(&found.join(", ")))
}

/// Other issuers name the client in `azp`. Two names for it would be two answers.
fn client_id(claims: &Claims, profile: Profile) -> Result<&str, Refusal> {
    if profile == Profile::AccessToken {
        return claims.required_string("client_id");
    }
    client_of(claims)
}

/// `client_id`, or `azp`.
pub(crate) fn client_of(claims: &Claims) -> Result<&str, Refusal> {
    match (claims.string("client_id")?, claims.string("azp")?) {
        (Some(client_id), Some(azp)) if client_id != azp => {
            Err(Refusal::misbehaved("token.client.ambiguous")
                .at("azp")
                .expected("the client of client_id")
                .found(azp))
        }
        (Some(client), _) | (None, Some(client)) => Ok(client),
        (None, None) => claims.required_string("client_id"),
    }
}

fn check_times(claims: &Claims, rule: &AccessTokenRule<'_>, now: u64) -> Result<(u64, u64), Refusal> {
    let issued_at = claims.required_time("iat")?;
    let expires_at = claims.required_time("exp")?;
    check_expiry(expires_at, rule.skew, now)?;
    check_beginning(claims.time("nbf")?.unwrap_or(issued_at).max(issued_at), rule.skew, now)?;
    check_lifetime(issued_at, expires_at, rule.max_lifetime)?;
    Ok((issued_at, expires_at))
}

pub(crate) fn check_expiry(expires_at: u64, skew: u64, now: u64) -> Result<(), Refusal> {
    if now < expires_at.saturating_add(skew) {
        return Ok(());
    }
    Err(Refusal::misbehaved("token.expired")
        .at("exp")
        .expected(&format!("later than {now}"))
        .found(&expires_at.to_string()))
}

pub(crate) fn check_beginning(soonest: u64, skew: u64, now: u64) -> Result<(), Refusal> {
    if soonest <= now.saturating_add(skew) {
        return Ok(());
    }
    Err(Refusal::misbehaved("token.not-yet-valid")
        .at("nbf")
        .expected(&format!("{now} at the latest"))
        .found(&soonest.to_string()))
}

pub(crate) fn check_lifetime(issued_at: u64, expires_at: u64, most: u64) -> Result<(), Refusal> {
    match expires_at.checked_sub(issued_at) {
        Some(lifetime) if lifetime > 0 && lifetime <= most => Ok(()),
        _ => Err(Refusal::misbehaved("token.lifetime.too-long")
            .at("exp")
            .expected(&format!("{most} seconds after iat at most"))
            .found(&expires_at.to_string())),
    }
}

//! `private_key_jwt`: a client proves itself by a signed assertion (RFC 7523 section 3, OpenID
//! Connect Core section 9).

use crate::digest::sha256;
use postern_jose::{Claims, KeySet, UnverifiedJws};
use postern_refusal::Refusal;
use postern_signature::{Algorithm, Verifier};

/// `client_assertion_type`.
pub const CLIENT_ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Algorithms that an assertion may be signed with.
pub const ASSERTION_ALGORITHMS: [Algorithm; 4] =
    [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa];

/// Longest time that an assertion may be good for, in seconds. Replays are remembered this long.
const MAX_LIFETIME: u64 = 600;

/// How far clocks may differ, in seconds.
const SKEW: u64 = 30;

/// A good assertion: remember `replay_key` until then, and refuse it when it is known.
pub(crate) struct AcceptedAssertion {
    pub(crate) replay_key: String,
    pub(crate) until: u64,
}

/// Judges an assertion of the client with its registered keys.
///
/// `audiences` are the issuer and the token endpoint's URL; the assertion names exactly one of
/// them and nothing else, so that it can't be used at another server as well.
pub(crate) fn judge(
    assertion: &str,
    client_id: &str,
    keys: &KeySet,
    audiences: &[&str],
    now: u64,
    verifier: &dyn Verifier,
) -> Result<AcceptedAssertion, Refusal> {
    let jws = UnverifiedJws::read(assertion)?;
    // An access token or an ID token of this issuer is no client assertion.
    if !matches!(jws.header().token_type.as_deref(), None | Some("JWT" | "jwt" | "client-authentication+jwt"))
    {
        return Err(Refusal::misbehaved("oauth.assertion.type").at("typ").expected("JWT"));
    }
    let verified = jws.verify(keys, &ASSERTION_ALGORITHMS, verifier)?;
    let claims = verified.get();
    for name in ["iss", "sub"] {
        let value = claims.required_string(name)?;
        if value != client_id {
            return Err(Refusal::misbehaved("oauth.assertion.client")
                .at(name)
                .expected("the client's identifier")
                .found(value));
        }
    }
    let audience = claims.audience()?;
    if !matches!(audience.as_slice(), [only] if audiences.contains(only)) {
        return Err(Refusal::misbehaved("oauth.assertion.audience")
            .at("aud")
            .expected(&format!("one of {}", audiences.join(", ")))
            .found(&audience.join(", ")));
    }
    let expires_at = check_times(claims, now)?;
    let token_id = claims.required_string("jti")?;
    // Both have to be apart: a client can't occupy another's identifiers.
    let replay_key = format!("assertion:{}", sha256(format!("{client_id}\n{token_id}").as_bytes()));
    Ok(AcceptedAssertion { replay_key, until: expires_at.saturating_add(SKEW) })
}

fn check_times(claims: &Claims, now: u64) -> Result<u64, Refusal> {
    let expires_at = claims.required_time("exp")?;
    let out_of = |code, name: &str, expected: String, found: u64| {
        Err(Refusal::misbehaved(code).at(name).expected(&expected).found(&found.to_string()))
    };
    if now >= expires_at.saturating_add(SKEW) {
        return out_of("oauth.assertion.expired", "exp", format!("later than {now}"), expires_at);
    }
    if expires_at > now.saturating_add(MAX_LIFETIME).saturating_add(SKEW) {
        let expected = format!("{MAX_LIFETIME} seconds from now at most");
        return out_of("oauth.assertion.lifetime", "exp", expected, expires_at);
    }
    for name in ["iat", "nbf"] {
        if let Some(time) = claims.time(name)?.filter(|time| *time > now.saturating_add(SKEW)) {
            return out_of("oauth.assertion.not-yet-valid", name, format!("{now} at the latest"), time);
        }
    }
    Ok(expires_at)
}

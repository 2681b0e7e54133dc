//! What an issuer answers about a token (RFC 7662 section 2.2), read strictly.

use crate::access_token::{
    ACCESS_TOKEN_TYPES, AccessToken, GRANT_CLAIM, check_audience, check_beginning, check_expiry,
    check_lifetime, client_of, unknown_issuer,
};
use crate::claims::Claims;
use crate::json::{Value, read_object};
use crate::scope::Scopes;
use crate::validator::Member;
use crate::verified::Verified;
use postern_refusal::Refusal;

/// Longest answer, in bytes.
pub const MAX_INTROSPECTION_ANSWER: usize = 32_768;

/// `typ` of access tokens in answers that repeat the members of a JWT, as Keycloak's do.
const OTHER_TYPES: [&str; 3] = ["Bearer", "DPoP", "JWT"];

/// An answer as it came.
#[derive(Clone, Copy, Debug)]
pub struct IntrospectionAnswer<'a> {
    /// The status.
    pub status: u16,
    /// Values of all headers `Content-Type`.
    pub content_types: &'a [&'a [u8]],
    /// The body.
    pub body: &'a [u8],
}

/// What an answer has to say.
#[derive(Clone, Debug)]
pub struct IntrospectionRule<'a> {
    /// `iss`, compared letter by letter.
    pub issuer: &'a str,
    /// Acceptable values of `aud`: one of them has to be among the answer's.
    pub audiences: &'a [&'a str],
    /// Members that the answer may lack.
    pub may_lack: &'a [Member],
    /// Longest time from `iat` to `exp`, in seconds.
    pub max_lifetime: u64,
    /// How long an answer without `exp` is good, in seconds.
    pub max_cache: u64,
    /// How far clocks may differ, in seconds.
    pub skew: u64,
}

/// Judges an answer. A refusal with status 401 is about the token: the issuer says that it is not
/// active, or not what this place accepts. One with status 503 is about the answer: nobody's token is
/// wrong, and nothing is known about it.
///
/// # Errors
/// 401: `token.introspection.inactive`, `token.type.mismatch`, `token.issuer.mismatch`,
/// `token.audience.mismatch`, `token.expired`, `token.not-yet-valid`, `token.lifetime.too-long`,
/// `token.client.ambiguous`, `jose.claim.missing`.
/// 503: `token.introspection.status`, `token.introspection.content-type`,
/// `token.introspection.too-long`, `token.introspection.active`, `token.introspection.unbound`, and the
/// `json.…`, `jose.claim.…` and `oauth.scope.…` codes of what can't be read.
pub fn judge_introspection(
    answer: &IntrospectionAnswer<'_>,
    rule: &IntrospectionRule<'_>,
    now: u64,
) -> Result<Verified<AccessToken>, Refusal> {
    let claims = read(answer).map_err(|refusal| refusal.with_status(503))?;
    let Some(claims) = claims else {
        return Err(Refusal::misbehaved("token.introspection.inactive")
            .with_status(401)
            .at("active")
            .expected("a token that its issuer calls active"));
    };
    check_claims(claims, rule, now).map(Verified::new).map_err(|refusal| {
        let status = if is_about_the_answer(refusal.code) { 503 } else { 401 };
        refusal.with_status(status)
    })
}

/// What the issuer wrote in a way that can't be read is no fault of the token.
fn is_about_the_answer(code: &str) -> bool {
    matches!(code, "jose.claim.type" | "jose.claim.length" | "token.introspection.unbound")
        || code.starts_with("oauth.scope.")
}

/// The members of an active token; none when it is not.
fn read(answer: &IntrospectionAnswer<'_>) -> Result<Option<Claims>, Refusal> {
    if answer.status != 200 {
        let found = answer.status.to_string();
        let refusal = match answer.status {
            400 | 401 | 403 => Refusal::configuration("token.introspection.status")
                .expected("200: a client_id and a secret that the issuer takes"),
            _ => Refusal::misbehaved("token.introspection.status").expected("200"),
        };
        return Err(refusal.at("introspection").found(&found));
    }
    let [content_type] = answer.content_types else {
        return Err(no_json(&format!("{} headers", answer.content_types.len())));
    };
    if !is_json(content_type) {
        return Err(no_json(&String::from_utf8_lossy(content_type)));
    }
    if answer.body.len() > MAX_INTROSPECTION_ANSWER {
        return Err(Refusal::misbehaved("token.introspection.too-long")
            .at("introspection")
            .expected("32,768 bytes at most"));
    }
    let members = read_object("introspection", answer.body)?;
    match members.get("active") {
        Some(Value::Bool(true)) => Ok(Some(Claims::new(members))),
        // RFC 7662 section 2.2: nothing else has to be said of it, and nothing else is read.
        Some(Value::Bool(false)) => Ok(None),
        _ => Err(Refusal::misbehaved("token.introspection.active").at("active").expected("true or false")),
    }
}

fn no_json(found: &str) -> Refusal {
    Refusal::misbehaved("token.introspection.content-type")
        .at("content-type")
        .expected("application/json once")
        .found(found)
}

/// `application/json` in UTF-8. A signed answer (RFC 9701) is another type, and not read.
fn is_json(content_type: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(content_type) else { return false };
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let is_utf8 = |parameter: &str| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        name.eq_ignore_ascii_case("charset") && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    };
    essence.eq_ignore_ascii_case("application/json") && parts.all(is_utf8)
}

fn check_claims(claims: Claims, rule: &IntrospectionRule<'_>, now: u64) -> Result<AccessToken, Refusal> {
    check_type(&claims, rule)?;
    let issuer = match claims.string("iss")? {
        Some(issuer) if issuer == rule.issuer => issuer,
        Some(other) => return Err(unknown_issuer(other, rule.issuer)),
        None => lacking(rule, Member::Iss, "iss").map(|()| rule.issuer)?,
    };
    let audience = match claims.get("aud") {
        Some(_) => claims.audience()?,
        None => lacking(rule, Member::Aud, "aud").map(|()| Vec::new())?,
    };
    if !audience.is_empty() {
        check_audience(&audience, rule.audiences)?;
    }
    let (issued_at, expires_at) = check_times(&claims, rule, now)?;
    let client_id = client_of(&claims)?;
    let subject = match claims.string("sub")? {
        Some(subject) => subject,
        None => lacking(rule, Member::Sub, "sub").map(|()| client_id)?,
    };
    Ok(AccessToken {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        client_id: client_id.to_owned(),
        scopes: claims.string("scope")?.map(Scopes::read).transpose()?.unwrap_or_default(),
        audience: audience.into_iter().map(str::to_owned).collect(),
        token_id: claims.string("jti")?.map(str::to_owned),
        issued_at,
        expires_at,
        grant: claims.string(GRANT_CLAIM)?.map(str::to_owned),
        claims,
    })
}

/// An issuer may be asked about refresh tokens and others as well: they are no access tokens.
fn check_type(claims: &Claims, rule: &IntrospectionRule<'_>) -> Result<(), Refusal> {
    let mismatch = |at: &str, expected: &str, found: &str| {
        Refusal::misbehaved("token.type.mismatch").at(at).expected(expected).found(found)
    };
    match claims.string("token_type")? {
        None => lacking(rule, Member::TokenType, "token_type")?,
        Some(found) if found.eq_ignore_ascii_case("Bearer") => {}
        Some(found) if found.eq_ignore_ascii_case("DPoP") => {
            // RFC 9449 section 6.2: whoever says so says to which key.
            let cnf = claims.get("cnf").and_then(Value::as_object);
            if !cnf.is_some_and(|cnf| cnf.get("jkt").is_some_and(Value::is_string)) {
                return Err(Refusal::misbehaved("token.introspection.unbound")
                    .at("cnf")
                    .expected("jkt, as token_type is DPoP"));
            }
        }
        Some(found) => return Err(mismatch("token_type", "Bearer or DPoP", found)),
    }
    match claims.string("typ")? {
        Some(found) if !OTHER_TYPES.contains(&found) && !ACCESS_TOKEN_TYPES.contains(&found) => {
            Err(mismatch("typ", "that of an access token", found))
        }
        _ => Ok(()),
    }
}

fn check_times(claims: &Claims, rule: &IntrospectionRule<'_>, now: u64) -> Result<(u64, u64), Refusal> {
    let (issued_at, expires_at) = (claims.time("iat")?, claims.time("exp")?);
    if issued_at.is_none() {
        lacking(rule, Member::Iat, "iat")?;
    }
    match expires_at {
        Some(expires_at) => check_expiry(expires_at, rule.skew, now)?,
        None => lacking(rule, Member::Exp, "exp")?,
    }
    let soonest = claims.time("nbf")?.max(issued_at).unwrap_or(0);
    check_beginning(soonest, rule.skew, now)?;
    if let (Some(issued_at), Some(expires_at)) = (issued_at, expires_at) {
        check_lifetime(issued_at, expires_at, rule.max_lifetime)?;
    }
    Ok((issued_at.unwrap_or(now), expires_at.unwrap_or(now.saturating_add(rule.max_cache))))
}

fn lacking(rule: &IntrospectionRule<'_>, member: Member, name: &str) -> Result<(), Refusal> {
    if rule.may_lack.contains(&member) {
        return Ok(());
    }
    Err(Refusal::misbehaved("jose.claim.missing").at(name).expected("the member, or that it may_lack"))
}

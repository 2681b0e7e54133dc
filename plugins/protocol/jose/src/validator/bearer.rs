//! Tokens in the Authorization header, and how they are turned down (RFC 6750, RFC 9449).

use crate::access_token::AccessToken;
use crate::jws::MAX_TOKEN;
use postern_refusal::Refusal;

/// A request that gets no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// For the log; its status is the answer's.
    pub refusal: Refusal,
    /// `WWW-Authenticate` (RFC 6750 section 3); none for statuses that are not 400, 401 or 403.
    pub challenge: Option<String>,
    /// `DPoP-Nonce` (RFC 9449 section 9): what the client's next proof has to carry.
    pub dpop_nonce: Option<String>,
}

/// How a token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Whoever has it may use it.
    Bearer,
    /// With a proof in the header `DPoP` (RFC 9449 section 7.1).
    Dpop,
}

/// The token of the request's Authorization headers: exactly one, `Bearer` and a token.
///
/// # Errors
/// `token.authorization.missing` and `token.authorization.scheme` (401 without an error code, as
/// RFC 6750 section 3.1 wants for a request without a token), `token.authorization.several` and
/// `token.authorization.syntax` (400).
pub fn read_bearer<'a>(values: &[&'a [u8]]) -> Result<&'a str, Denial> {
    read_authorization(values, false).map(|(_, token)| token)
}

/// The same, where `DPoP` and a token may stand as well.
///
/// # Errors
/// Those of [`read_bearer`].
pub fn read_authorization<'a>(values: &[&'a [u8]], dpop: bool) -> Result<(Scheme, &'a str), Denial> {
    let value = match values {
        [] => return Err(without_token(Refusal::misbehaved("token.authorization.missing"))),
        [value] => *value,
        _ => return Err(malformed(Refusal::misbehaved("token.authorization.several"))),
    };
    let syntax = || malformed(Refusal::misbehaved("token.authorization.syntax"));
    let text = core::str::from_utf8(value).map_err(|_| syntax())?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    let scheme = match scheme {
        scheme if scheme.eq_ignore_ascii_case("Bearer") => Scheme::Bearer,
        scheme if dpop && scheme.eq_ignore_ascii_case("DPoP") => Scheme::Dpop,
        _ => return Err(without_token(Refusal::misbehaved("token.authorization.scheme"))),
    };
    // b64token of RFC 6750 section 2.1.
    let body = token.trim_end_matches('=');
    if body.is_empty() || token.len() > MAX_TOKEN || !is_b64token(body) {
        return Err(syntax());
    }
    Ok((scheme, token))
}

/// Without a branch, so that the compiler takes 16 bytes at a time: every token comes through here.
fn is_b64token(body: &str) -> bool {
    let good = |byte: u8| {
        byte.is_ascii_alphanumeric()
            | (byte == b'-')
            | (byte == b'.')
            | (byte == b'_')
            | (byte == b'~')
            | (byte == b'+')
            | (byte == b'/')
    };
    body.bytes().fold(true, |all, byte| all & good(byte))
}

/// The answer to a proof that was refused (RFC 9449 section 7.1).
pub fn deny_proof(refusal: Refusal) -> Denial {
    let challenge = Some("DPoP error=\"invalid_dpop_proof\"".to_owned());
    Denial { refusal: refusal.with_status(401), challenge, dpop_nonce: None }
}

/// The answer to a proof that is good but for its nonce: the client tries again with this one.
pub fn demand_nonce(refusal: Refusal, nonce: String) -> Denial {
    let challenge = Some("DPoP error=\"use_dpop_nonce\"".to_owned());
    Denial { refusal: refusal.with_status(401), challenge, dpop_nonce: Some(nonce) }
}

/// The answer to a token without a proof on a route that wants one.
pub fn demand_proof() -> Denial {
    let refusal = Refusal::misbehaved("token.dpop.required").at("authorization");
    Denial {
        refusal: refusal.with_status(401).expected("scheme DPoP and a proof"),
        challenge: Some("DPoP".to_owned()),
        dpop_nonce: None,
    }
}

/// Whether the token has all scopes that the route needs.
///
/// # Errors
/// `token.scope.insufficient` (403).
pub fn check_scopes(token: &AccessToken, needed: &[String]) -> Result<(), Denial> {
    match needed.iter().find(|scope| !token.scopes.contains(scope)) {
        None => Ok(()),
        Some(missing) => Err(Denial {
            refusal: Refusal::misbehaved("token.scope.insufficient")
                .with_status(403)
                .at("scope")
                .expected(missing)
                .found(&token.scopes.to_string()),
            challenge: Some(format!("Bearer error=\"insufficient_scope\", scope=\"{}\"", needed.join(" "))),
            dpop_nonce: None,
        }),
    }
}

/// The answer to a token that was refused: 401 and `invalid_token`.
pub fn deny(refusal: Refusal) -> Denial {
    let challenge = Some("Bearer error=\"invalid_token\"".to_owned());
    Denial { refusal: refusal.with_status(401), challenge, dpop_nonce: None }
}

/// The answer while there are no keys: nobody's token is wrong yet, so 503 and not 401.
pub fn not_ready() -> Denial {
    Denial {
        refusal: Refusal::internal("token.keys.unavailable")
            .with_status(503)
            .at("jwks")
            .expected("the issuer's keys, fetched once at least"),
        challenge: None,
        dpop_nonce: None,
    }
}

fn without_token(refusal: Refusal) -> Denial {
    Denial {
        refusal: refusal.with_status(401).at("authorization").expected("Bearer and a token"),
        challenge: Some("Bearer".to_owned()),
        dpop_nonce: None,
    }
}

fn malformed(refusal: Refusal) -> Denial {
    Denial {
        refusal: refusal.with_status(400).at("authorization").expected("one header: Bearer and a token"),
        challenge: Some("Bearer error=\"invalid_request\"".to_owned()),
        dpop_nonce: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(values: &[&[u8]]) -> (&'static str, u16, Option<String>) {
        match read_bearer(values) {
            Ok(_) => ("accepted", 200, None),
            Err(denial) => (denial.refusal.code, denial.refusal.status, denial.challenge),
        }
    }

    #[test]
    fn dpop_is_read_where_it_is_wanted() {
        assert_eq!(read_authorization(&[b"DPoP a.b.c"], true).unwrap(), (Scheme::Dpop, "a.b.c"));
        assert_eq!(read_authorization(&[b"Bearer a.b.c"], true).unwrap(), (Scheme::Bearer, "a.b.c"));
        assert_eq!(outcome(&[b"DPoP a.b.c"]).0, "token.authorization.scheme");
    }

    #[test]
    fn exactly_one_token_is_read() {
        assert_eq!(read_bearer(&[b"Bearer a.b.c"]).unwrap(), "a.b.c");
        assert_eq!(read_bearer(&[b"bearer a.b.c"]).unwrap(), "a.b.c");
        assert_eq!(outcome(&[]), ("token.authorization.missing", 401, Some("Bearer".into())));
        assert_eq!(outcome(&[b"Basic YTpi"]), ("token.authorization.scheme", 401, Some("Bearer".into())));
        let invalid = Some("Bearer error=\"invalid_request\"".to_owned());
        assert_eq!(
            outcome(&[b"Bearer a", b"Bearer b"]),
            ("token.authorization.several", 400, invalid.clone())
        );
        for value in [&b"Bearer"[..], b"Bearer ", b"Bearer  a", b"Bearer a b", b"Bearer a,b", b"Bearer \xff"]
        {
            assert_eq!(outcome(&[value]), ("token.authorization.syntax", 400, invalid.clone()));
        }
    }
}

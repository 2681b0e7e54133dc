//! Tokens, and what an issuer says of them and of its keys: see `mod.rs`.
use postern_jose::json::Value;
use postern_jose::validator::{JwksSource, Member, read_bearer, refresh_interval};
use postern_jose::{
    ACCESS_TOKEN_TYPES, AccessTokenRule, DpopRule, IntrospectionAnswer, IntrospectionRule, KeySet,
    UnverifiedJws, judge_access_token, judge_dpop_proof, judge_introspection, read_dpop_header,
};
use postern_signature::Algorithm;

use super::{AnythingIsGood, BASE_URL, NOW, NothingIsGood};

/// A JWS that nobody has verified.
pub fn jws(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(jws) = UnverifiedJws::read(text) {
        let _ = jws.claimed_issuer();
    }
}

/// No token is good when no signature is.
pub fn access_token(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let keys = KeySet::read(
        br#"{"keys":[{"kty":"OKP","crv":"Ed25519","use":"sig","kid":"idp-ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
    )
    .expect("a key set");
    let rule = AccessTokenRule {
        issuer: BASE_URL,
        audiences: &[BASE_URL],
        algorithms: &[Algorithm::EdDsa],
        types: &ACCESS_TOKEN_TYPES,
        max_lifetime: 3_600,
        skew: 30,
    };
    assert!(judge_access_token(text, &rule, &keys, NOW, &NothingIsGood).is_err());
}

/// An Authorization header.
pub fn bearer(bytes: &[u8]) {
    if let Ok(token) = read_bearer(&[bytes]) {
        assert!(token.bytes().all(|byte| byte.is_ascii_graphic()), "{token}");
    }
}

/// A JWK Set.
pub fn jwks(bytes: &[u8]) {
    if let Ok(keys) = KeySet::read_unnamed(bytes) {
        assert!(keys.find("").is_none());
    }
    if let Ok(keys) = KeySet::read(bytes) {
        assert!(!keys.keys().is_empty());
    }
}

/// A DPoP proof, whose signature is of no help and then of no hindrance.
pub fn dpop_proof(bytes: &[u8]) {
    let Ok(text) = read_dpop_header(&[bytes]) else { return };
    let rule = DpopRule {
        method: "GET",
        uris: &[format!("{BASE_URL}/orders")],
        access_token: "token",
        algorithms: &[Algorithm::Es256, Algorithm::EdDsa],
        max_age: 60,
        skew: 30,
        nonces: None,
    };
    assert!(judge_dpop_proof(text, &rule, NOW, &NothingIsGood).is_err(), "accepted without a signature");
    if let Ok(proof) = judge_dpop_proof(text, &rule, NOW, &AnythingIsGood) {
        let proof = proof.into_inner();
        assert!(proof.thumbprint.len() == 43 && !proof.proof_id.is_empty());
        assert!(proof.until > NOW && proof.until <= NOW + 120, "{}", proof.until);
    }
}

/// What an issuer answers about a token: the first line is its content type, the rest its body. What is
/// accepted is an active access token of that issuer, for us, that is good now and for a bounded time;
/// what is refused is the token's fault or the answer's.
pub fn introspection(bytes: &[u8]) {
    let (content_type, body) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (&b"application/json"[..], bytes),
    };
    let answer = IntrospectionAnswer { status: 200, content_types: &[content_type], body };
    for may_lack in [&[][..], &[Member::Iss, Member::Aud, Member::Exp, Member::Iat, Member::Sub]] {
        let rule = IntrospectionRule {
            issuer: BASE_URL,
            audiences: &[BASE_URL],
            may_lack,
            max_lifetime: 3_600,
            max_cache: 30,
            skew: 30,
        };
        match judge_introspection(&answer, &rule, NOW) {
            Ok(token) => {
                let token = token.into_inner();
                assert_eq!(token.claims.get("active"), Some(&Value::Bool(true)));
                assert_eq!(token.issuer, BASE_URL);
                let for_us = token.audience.iter().any(|audience| audience == BASE_URL);
                assert!(for_us || (token.audience.is_empty() && !may_lack.is_empty()));
                assert!(token.expires_at + 30 > NOW && token.issued_at <= NOW + 30);
                assert!(!token.subject.is_empty() && !token.client_id.is_empty());
            }
            Err(refusal) => assert!([401, 503].contains(&refusal.status), "{refusal}"),
        }
    }
}

/// Whatever an issuer says of the time that its keys are good for, the operator's bounds hold.
pub fn cache_control(bytes: &[u8]) {
    let source = JwksSource::new("keys", "keys.example.com", "/jwks");
    let seconds = refresh_interval(Some(bytes), &source);
    assert!((source.min_refresh_seconds..=source.max_refresh_seconds).contains(&seconds), "{seconds}");
}

//! Tokens: what is built verifies elsewhere, what others build verifies here, and the hostile
//! ones are refused, each with its reason.
#![allow(missing_docs)]

mod support;

use postern_jose::{
    ACCESS_TOKEN_TYPES, AccessTokenRule, Key, KeySet, PublishedKey, SigningInput, base64url_encode, json,
    judge_access_token, write_key_set,
};
use postern_signature::Algorithm;
use serde_json::{Value, json};
use support::{NativeVerifier, NeverAsked, TestKey};

const NOW: u64 = 1_750_000_000;
const ISSUER: &str = "https://sso.example.com";
const AUDIENCE: &str = "https://api.example.com";
const ALGORITHMS: [Algorithm; 4] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa];

fn rule() -> AccessTokenRule<'static> {
    AccessTokenRule {
        issuer: ISSUER,
        audiences: &[AUDIENCE],
        algorithms: &ALGORITHMS,
        types: &ACCESS_TOKEN_TYPES,
        max_lifetime: 3_600,
        skew: 30,
    }
}

fn claims() -> json::Object {
    let claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "client_id": "shop", "scope": "orders.read",
        "iat": NOW, "exp": NOW + 300, "jti": "1", "grant": "g",
    });
    claims.as_object().unwrap().clone()
}

fn with(name: &str, value: Value) -> json::Object {
    let mut claims = claims();
    claims.insert(name.into(), value);
    claims
}

fn without(name: &str) -> json::Object {
    let mut claims = claims();
    claims.remove(name);
    claims
}

fn token(key: &TestKey, claims: json::Object) -> String {
    let input = SigningInput::new(key.algorithm(), "k1", "at+jwt", claims);
    let signature = key.sign(input.as_bytes());
    input.with_signature(&signature)
}

/// A token of any header and payload text, signed.
fn raw(key: &TestKey, header: &str, payload: &str) -> String {
    let input = format!("{}.{}", base64url_encode(header.as_bytes()), base64url_encode(payload.as_bytes()));
    let signature = key.sign(input.as_bytes());
    format!("{input}.{}", base64url_encode(&signature))
}

fn keys(key: &TestKey) -> KeySet {
    KeySet::new(vec![Key::new("k1", key.algorithm(), key.public_key())]).unwrap()
}

fn code(token: &str, keys: &KeySet) -> &'static str {
    match judge_access_token(token, &rule(), keys, NOW + 1, &NativeVerifier) {
        Ok(_) => "accepted",
        Err(refusal) => {
            assert_eq!(refusal.status, 401);
            refusal.code
        }
    }
}

fn published(key: &TestKey) -> String {
    write_key_set(&[PublishedKey { key_id: "k1", algorithm: key.algorithm(), spki: &key.spki() }]).unwrap()
}

#[test]
fn what_is_built_verifies_elsewhere_and_the_other_way_round() {
    for key in [TestKey::rsa(), TestKey::p256(), TestKey::p384(), TestKey::ed25519()] {
        let set = published(&key);
        let read = KeySet::read(set.as_bytes()).unwrap();
        assert_eq!(read.find("k1").unwrap().public_key().spki(), key.spki(), "JWK and back");

        let token = token(&key, claims());
        let accepted = judge_access_token(&token, &rule(), &read, NOW + 1, &NativeVerifier).unwrap();
        assert_eq!(accepted.get().subject, "alice");
        assert_eq!(accepted.get().grant.as_deref(), Some("g"));

        let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&set).unwrap();
        let oracle = jsonwebtoken::DecodingKey::from_jwk(jwks.find("k1").unwrap()).unwrap();
        let name: jsonwebtoken::Algorithm = key.algorithm().jwa_name().parse().unwrap();
        let mut validation = jsonwebtoken::Validation::new(name);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        validation.validate_exp = false;
        let decoded = jsonwebtoken::decode::<Value>(&token, &oracle, &validation).unwrap();
        assert_eq!(decoded.claims, Value::Object(claims()));
    }
}

#[test]
fn what_jsonwebtoken_builds_is_accepted() {
    let key = Ed25519Pair::generate();
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA);
    header.kid = Some("k1".into());
    header.typ = Some("at+jwt".into());
    let token = jsonwebtoken::encode(&header, &claims(), &key.encoding).unwrap();
    assert_eq!(code(&token, &keys(&key.test)), "accepted");
}

struct Ed25519Pair {
    encoding: jsonwebtoken::EncodingKey,
    test: TestKey,
}

impl Ed25519Pair {
    fn generate() -> Self {
        use aws_lc_rs::signature::Ed25519KeyPair;
        let document = Ed25519KeyPair::generate_pkcs8v1(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(document.as_ref()).unwrap();
        Self {
            encoding: jsonwebtoken::EncodingKey::from_ed_der(document.as_ref()),
            test: TestKey::Ed25519(Box::new(pair)),
        }
    }
}

#[test]
fn claims_that_break_the_rule_are_refused() {
    let key = TestKey::p256();
    let keys = keys(&key);
    let judged = |claims| code(&token(&key, claims), &keys);
    assert_eq!(judged(claims()), "accepted");
    assert_eq!(judged(with("aud", json!([AUDIENCE, "other"]))), "accepted");
    assert_eq!(judged(with("iss", json!("https://sso.example.com/"))), "token.issuer.mismatch");
    assert_eq!(judged(with("aud", json!("https://api.example.com/"))), "token.audience.mismatch");
    assert_eq!(judged(with("aud", json!([]))), "jose.claim.type");
    assert_eq!(judged(with("exp", json!(NOW - 60))), "token.expired");
    assert_eq!(judged(with("exp", json!((NOW + 300).to_string()))), "jose.claim.type");
    assert_eq!(judged(with("exp", json!(NOW + 4_000))), "token.lifetime.too-long");
    assert_eq!(judged(with("exp", json!(-1))), "jose.claim.type");
    assert_eq!(judged(with("nbf", json!(NOW + 60))), "token.not-yet-valid");
    assert_eq!(judged(with("iat", json!(NOW + 60))), "token.not-yet-valid");
    assert_eq!(judged(with("scope", json!("a  b"))), "oauth.scope.syntax");
    assert_eq!(judged(with("scope", json!(["a"]))), "jose.claim.type");
    assert_eq!(judged(with("sub", json!(""))), "jose.claim.length");
    for name in ["iss", "aud", "exp", "iat", "sub", "client_id", "jti"] {
        assert_eq!(judged(without(name)), "jose.claim.missing", "{name}");
    }
    assert_eq!(judged(without("scope")), "accepted");
}

#[test]
fn hostile_headers_are_refused_before_any_verification() {
    let key = TestKey::p256();
    let payload = Value::Object(claims()).to_string();
    for (header, expected) in [
        (r#"{"alg":"none","kid":"k1","typ":"at+jwt"}"#, "jose.alg.not-allowed"),
        (r#"{"alg":"None","kid":"k1","typ":"at+jwt"}"#, "jose.alg.not-allowed"),
        (r#"{"alg":"HS256","kid":"k1","typ":"at+jwt"}"#, "jose.alg.not-allowed"),
        (r#"{"alg":"RS512","kid":"k1","typ":"at+jwt"}"#, "jose.alg.not-allowed"),
        (r#"{"alg":"RS256","kid":"k1","typ":"at+jwt"}"#, "jose.alg.key-mismatch"),
        (r#"{"kid":"k1","typ":"at+jwt"}"#, "jose.alg.missing"),
        (r#"{"alg":5,"kid":"k1","typ":"at+jwt"}"#, "jose.header.type"),
        (r#"{"alg":"ES256","typ":"at+jwt"}"#, "jose.kid.missing"),
        (r#"{"alg":"ES256","kid":"","typ":"at+jwt"}"#, "jose.kid.missing"),
        (r#"{"alg":"ES256","kid":"k2","typ":"at+jwt"}"#, "jose.kid.unknown"),
        (r#"{"alg":"ES256","kid":"k1","typ":"JWT"}"#, "token.type.mismatch"),
        (r#"{"alg":"ES256","kid":"k1"}"#, "token.type.mismatch"),
        (r#"{"alg":"ES256","alg":"ES256","kid":"k1","typ":"at+jwt"}"#, "json.duplicate-member"),
        (r#"{"alg":"ES256","kid":"k1","typ":"at+jwt","crit":["exp"],"exp":1}"#, "jose.header.crit"),
        (r#"{"alg":"ES256","kid":"k1","typ":"at+jwt","jwk":{}}"#, "jose.header.embedded-key"),
        (r#"{"alg":"ES256","kid":"k1","typ":"at+jwt","jku":"https://x"}"#, "jose.header.embedded-key"),
        (r#"{"alg":"ES256","kid":"k1","typ":"at+jwt","x5u":"https://x"}"#, "jose.header.embedded-key"),
        (r#"{"alg":"ES256","kid":"k1","typ":"at+jwt","x5c":[]}"#, "jose.header.embedded-key"),
        (r#"{"alg":"ES256","kid":"k1","typ":"at+jwt","b64":false}"#, "jose.header.encoding"),
        (r#"["ES256"]"#, "json.not-object"),
        ("", "json.malformed"),
    ] {
        let token = raw(&key, header, &payload);
        let refusal = judge_access_token(&token, &rule(), &keys(&key), NOW, &NeverAsked).unwrap_err();
        assert_eq!(refusal.code, expected, "{header}");
    }
}

#[test]
fn the_public_key_is_no_hmac_secret() {
    let key = TestKey::rsa();
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    header.kid = Some("k1".into());
    header.typ = Some("at+jwt".into());
    let secret = jsonwebtoken::EncodingKey::from_secret(&key.spki());
    let forged = jsonwebtoken::encode(&header, &claims(), &secret).unwrap();
    assert_eq!(code(&forged, &keys(&key)), "jose.alg.not-allowed");
}

#[test]
fn broken_forms_and_signatures_are_refused() {
    let key = TestKey::p256();
    let keys = keys(&key);
    let good = token(&key, claims());
    let parts: Vec<&str> = good.split('.').collect();
    let judged = |token: String| code(&token, &keys);
    assert_eq!(judged(String::new()), "jose.token.parts");
    assert_eq!(judged(format!("{}.{}", parts[0], parts[1])), "jose.token.parts");
    assert_eq!(judged(format!("{good}.x")), "jose.token.parts");
    assert_eq!(judged(format!("{}.{}.", parts[0], parts[1])), "jose.signature.length");
    assert_eq!(judged(format!("{good}=")), "jose.base64url.broken");
    assert_eq!(judged(format!("{good} ")), "jose.base64url.broken");
    assert_eq!(judged(format!("{}.{}+.{}", parts[0], parts[1], parts[2])), "jose.base64url.broken");
    assert_eq!(judged("a".repeat(20_000)), "jose.token.too-long");
    assert_eq!(judged(format!("{}.{}.{}", "A".repeat(3_000), parts[1], parts[2])), "jose.header.too-long");

    let other = token(&key, with("sub", json!("root")));
    let other: Vec<&str> = other.split('.').collect();
    let swapped = format!("{}.{}.{}", parts[0], other[1], parts[2]);
    assert_eq!(judged(swapped), "jose.signature.mismatch");
    assert_eq!(judged(token(&TestKey::p256(), claims())), "jose.signature.mismatch");
    let zero = format!("{}.{}.{}", parts[0], parts[1], base64url_encode(&[0; 64]));
    assert_eq!(judged(zero), "jose.signature.mismatch");

    let header = r#"{"alg":"ES256","kid":"k1","typ":"at+jwt"}"#;
    let text = Value::Object(claims()).to_string();
    let twice = text.replacen('{', r#"{"sub":"root","#, 1);
    assert_eq!(judged(raw(&key, header, &twice)), "json.duplicate-member");
    let nested = text.replacen('{', r#"{"x":[{"a":1,"a":2}],"#, 1);
    assert_eq!(judged(raw(&key, header, &nested)), "json.duplicate-member");
    assert_eq!(judged(raw(&key, header, &text)), "accepted");
}

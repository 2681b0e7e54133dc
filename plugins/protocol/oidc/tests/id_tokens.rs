//! ID tokens: another implementation verifies them, and as hints they are ours or nothing.
#![allow(missing_docs)]

#[path = "../../jose/tests/support/mod.rs"]
mod support;

use postern_jose::json::Object;
use postern_jose::{Key, KeySet, PublishedKey, SigningInput, write_key_set};
use postern_oidc::{IdToken, SIGNING_ALGORITHMS, judge_id_token_hint, metadata};
use serde_json::{Value, json};
use support::{NativeVerifier, TestKey};

const ISSUER: &str = "https://sso.example.com";

fn id_token(released: Object) -> IdToken<'static> {
    IdToken {
        issuer: ISSUER,
        subject: "alice",
        client_id: "shop",
        issued_at: 1_750_000_000,
        lifetime: 300,
        authenticated_at: 1_749_999_000,
        context: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        methods: &[],
        session_index: "session",
        nonce: Some("n"),
        access_token: "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y",
        released,
    }
}

fn signed(key: &TestKey, input: SigningInput) -> String {
    let signature = key.sign(input.as_bytes());
    input.with_signature(&signature)
}

#[test]
fn another_implementation_verifies_what_is_written() {
    for key in [TestKey::rsa(), TestKey::p256(), TestKey::ed25519()] {
        let mut released = Object::new();
        released.insert("email".into(), "ada@example.com".into());
        released.insert("sub".into(), "root".into());
        let token = signed(&key, id_token(released).signing_input(key.algorithm(), "k1"));
        let spki = key.spki();
        let jwks = write_key_set(&[PublishedKey { key_id: "k1", algorithm: key.algorithm(), spki: &spki }]);
        let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&jwks.unwrap()).unwrap();
        let oracle = jsonwebtoken::DecodingKey::from_jwk(jwks.find("k1").unwrap()).unwrap();
        let mut validation = jsonwebtoken::Validation::new(key.algorithm().jwa_name().parse().unwrap());
        validation.set_audience(&["shop"]);
        validation.set_issuer(&[ISSUER]);
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Value>(&token, &oracle, &validation).unwrap().claims;
        assert_eq!(claims["sub"], "alice", "a released claim never replaces one of the token's own");
        assert_eq!(claims["email"], "ada@example.com");
        assert_eq!(claims["nonce"], "n");
        assert_eq!(claims["exp"], 1_750_000_300);
    }
}

#[test]
fn at_hash_is_that_of_the_specification() {
    // OpenID Connect Core appendix A.3: the access token and its at_hash for RS256.
    let key = TestKey::rsa();
    let token = signed(&key, id_token(Object::new()).signing_input(key.algorithm(), "k1"));
    let payload = token.split('.').nth(1).unwrap();
    let claims: Value =
        serde_json::from_slice(&postern_jose::base64url_decode("payload", payload).unwrap()).unwrap();
    assert_eq!(claims["at_hash"], "77QmUPtjPfzWtF2AnpK9RQ");
}

#[test]
fn a_hint_is_ours_or_nothing() {
    let key = TestKey::p256();
    let keys = KeySet::new(vec![Key::new("k1", key.algorithm(), key.public_key())]).unwrap();
    let judge = |token: &str| {
        judge_id_token_hint(token, ISSUER, &SIGNING_ALGORITHMS, &keys, &NativeVerifier)
            .map_err(|refusal| refusal.code)
    };
    let token = signed(&key, id_token(Object::new()).signing_input(key.algorithm(), "k1"));
    let hint = judge(&token).unwrap();
    assert_eq!((hint.get().subject.as_str(), hint.get().client_id.as_str()), ("alice", "shop"));
    assert_eq!(hint.get().session_index.as_deref(), Some("session"));

    let forged = signed(&TestKey::p256(), id_token(Object::new()).signing_input(key.algorithm(), "k1"));
    assert_eq!(judge(&forged), Err("jose.signature.mismatch"));
    let with = |token_type: &str, claims: Value| {
        let claims = claims.as_object().unwrap().clone();
        judge(&signed(&key, SigningInput::new(key.algorithm(), "k1", token_type, claims)))
    };
    let good = json!({"iss": ISSUER, "aud": "shop", "sub": "alice"});
    assert!(with("JWT", good.clone()).is_ok());
    assert_eq!(with("at+jwt", good), Err("oidc.id-token-hint.type"));
    let other = json!({"iss": "https://other.example", "aud": "shop", "sub": "alice"});
    assert_eq!(with("JWT", other), Err("oidc.id-token-hint.issuer"));
    let two = json!({"iss": ISSUER, "aud": ["shop", "other"], "sub": "alice"});
    assert_eq!(with("JWT", two), Err("oidc.id-token-hint.audience"));
}

#[test]
fn metadata_says_what_is_refused() {
    let document: Value = serde_json::from_str(&metadata(ISSUER)).unwrap();
    assert_eq!(document["issuer"], ISSUER);
    assert_eq!(document["token_endpoint"], "https://sso.example.com/oauth2/token");
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(document["request_uri_parameter_supported"], false);
    let algorithms = document["id_token_signing_alg_values_supported"].as_array().unwrap();
    assert!(!algorithms.contains(&json!("none")) && !algorithms.contains(&json!("HS256")));
}

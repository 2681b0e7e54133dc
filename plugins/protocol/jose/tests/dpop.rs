//! DPoP proofs, good and bad.
#![allow(missing_docs)]

mod support;

use postern_jose::{
    ACCESS_TOKEN_TYPES, AccessTokenRule, DpopRule, Key, KeySet, SigningInput, base64url_encode,
    check_binding, judge_access_token, judge_dpop_proof, read_dpop_header,
};
use postern_signature::Algorithm;
use serde_json::{Value, json};
use support::{NativeVerifier, TestKey};

const NOW: u64 = 1_750_000_000;
const TOKEN: &str = "the.access.token";
/// `ath` of it: base64url of its SHA-256, by another implementation.
fn ath() -> String {
    base64url_encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, TOKEN.as_bytes()).as_ref())
}

fn jwk(key: &TestKey) -> Value {
    let spki = key.spki();
    let point = &spki[spki.len() - 64..];
    json!({ "kty": "EC", "crv": "P-256", "x": base64url_encode(&point[..32]), "y": base64url_encode(&point[32..]) })
}

fn raw(key: &TestKey, header: &Value, claims: &Value) -> String {
    let input = format!(
        "{}.{}",
        base64url_encode(header.to_string().as_bytes()),
        base64url_encode(claims.to_string().as_bytes())
    );
    let signature = base64url_encode(&key.sign(input.as_bytes()));
    format!("{input}.{signature}")
}

fn header(key: &TestKey) -> Value {
    json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk(key) })
}

fn claims() -> Value {
    json!({ "jti": "1", "htm": "GET", "htu": "https://api.example.com/orders", "iat": NOW, "ath": ath() })
}

fn judge(proof: &str) -> Result<postern_jose::DpopProof, &'static str> {
    judge_with(proof, None)
}

fn judge_with(proof: &str, nonces: Option<&[String]>) -> Result<postern_jose::DpopProof, &'static str> {
    let uris = ["https://api.example.com/orders".to_owned()];
    let rule = DpopRule {
        method: "GET",
        uris: &uris,
        access_token: TOKEN,
        algorithms: &[Algorithm::Es256, Algorithm::EdDsa],
        max_age: 60,
        skew: 30,
        nonces,
    };
    judge_dpop_proof(proof, &rule, NOW, &NativeVerifier).map(|proof| proof.into_inner()).map_err(|refusal| {
        assert_eq!(refusal.status, 401);
        refusal.code
    })
}

#[test]
fn a_proof_is_for_one_request_with_one_token() {
    let key = TestKey::p256();
    let proof = judge(&raw(&key, &header(&key), &claims())).unwrap();
    assert_eq!((proof.proof_id.as_str(), proof.until), ("1", NOW + 90));
    for (name, value, code) in [
        ("htm", json!("POST"), "token.dpop.method"),
        ("htm", json!("get"), "token.dpop.method"),
        ("htu", json!("https://api.example.com/orders/1"), "token.dpop.uri"),
        ("htu", json!("http://api.example.com/orders"), "token.dpop.uri"),
        ("htu", json!("https://api.example.com/ORDERS"), "token.dpop.uri"),
        ("iat", json!(NOW - 90), "token.dpop.age"),
        ("iat", json!(NOW + 31), "token.dpop.age"),
        ("iat", json!("now"), "jose.claim.type"),
        ("ath", json!("AAAA"), "token.dpop.token-hash"),
        ("jti", json!("j".repeat(257)), "token.dpop.syntax"),
    ] {
        let mut claims = claims();
        claims[name] = value;
        assert_eq!(judge(&raw(&key, &header(&key), &claims)), Err(code), "{name}");
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(judge(&raw(&key, &header(&key), &claims)), Err("jose.claim.missing"), "{name}");
    }
    let mut with_query = claims();
    with_query["htu"] = json!("https://api.example.com/orders?page=1#x");
    assert!(judge(&raw(&key, &header(&key), &with_query)).is_ok());
}

#[test]
fn a_proof_is_signed_by_its_own_public_key() {
    let (key, other) = (TestKey::p256(), TestKey::p256());
    assert_eq!(judge(&raw(&other, &header(&key), &claims())), Err("jose.signature.mismatch"));
    let changed = |name: &str, value: Value| {
        let mut header = header(&key);
        header[name] = value;
        judge(&raw(&key, &header, &claims()))
    };
    assert_eq!(changed("typ", json!("JWT")), Err("token.dpop.type"));
    assert_eq!(changed("alg", json!("none")), Err("jose.alg.not-allowed"));
    assert_eq!(changed("alg", json!("HS256")), Err("jose.alg.not-allowed"));
    assert_eq!(changed("alg", json!("RS256")), Err("jose.alg.not-allowed"));
    assert_eq!(changed("alg", json!("EdDSA")), Err("token.dpop.key"));
    assert_eq!(changed("jwk", json!("x")), Err("token.dpop.key"));
    assert_eq!(changed("jwk", json!({"kty": "oct", "k": "AAAA"})), Err("jose.jwk.private"));
    assert_eq!(changed("jwk", json!({"kty": "EC", "crv": "P-521"})), Err("token.dpop.key"));
    assert_eq!(changed("crit", json!(["exp"])), Err("token.dpop.syntax"));
    assert_eq!(changed("jku", json!("https://x")), Err("token.dpop.syntax"));
    let mut private = jwk(&key);
    private["d"] = json!("AAAA");
    assert_eq!(changed("jwk", private), Err("jose.jwk.private"));
    assert_eq!(judge("a.b"), Err("jose.token.parts"));
    assert_eq!(judge(&"a".repeat(9_000)), Err("token.dpop.syntax"));
}

/// The thumbprint of RFC 9449 section 6.1 and RFC 7638 section 3.1 belong to known keys; here the
/// token names the key of the proof, or does not.
#[test]
fn a_bound_token_needs_its_key() {
    let (key, other, idp) = (TestKey::p256(), TestKey::p256(), TestKey::p256());
    let proof = |key: &TestKey| judge(&raw(key, &header(key), &claims())).unwrap();
    let keys = KeySet::new(vec![Key::new("k", Algorithm::Es256, idp.public_key())]).unwrap();
    let token = |cnf: Option<Value>| {
        let mut claims = json!({
            "iss": "https://i", "aud": "a", "sub": "s", "client_id": "c", "jti": "1", "iat": NOW, "exp": NOW + 60,
        });
        if let Some(cnf) = cnf {
            claims["cnf"] = cnf;
        }
        let Value::Object(claims) = claims else { unreachable!() };
        let input = SigningInput::new(Algorithm::Es256, "k", "at+jwt", claims);
        let signature = idp.sign(input.as_bytes());
        let text = input.with_signature(&signature);
        let rule = AccessTokenRule {
            issuer: "https://i",
            audiences: &["a"],
            algorithms: &[Algorithm::Es256],
            types: &ACCESS_TOKEN_TYPES,
            max_lifetime: 60,
            skew: 0,
        };
        judge_access_token(&text, &rule, &keys, NOW, &NativeVerifier).unwrap().into_inner()
    };
    let certified =
        |cnf: Option<Value>, proof: Option<&postern_jose::DpopProof>, certificate: Option<[u8; 32]>| {
            check_binding(&token(cnf), proof, certificate.as_ref())
                .map_or_else(|refusal| refusal.code, |()| "accepted")
        };
    let code = |cnf: Option<Value>, proof: Option<&postern_jose::DpopProof>| certified(cnf, proof, None);
    let own = proof(&key);
    let bound = || Some(json!({ "jkt": own.thumbprint }));
    assert_eq!(code(None, None), "accepted");
    assert_eq!(code(bound(), Some(&own)), "accepted");
    assert_eq!(code(bound(), Some(&proof(&other))), "token.binding.mismatch");
    assert_eq!(code(bound(), None), "token.binding.unproven");
    assert_eq!(certified(bound(), None, Some([7; 32])), "token.binding.unproven");
    assert_eq!(code(None, Some(&own)), "token.binding.absent");
    assert_eq!(code(Some(json!("x")), None), "token.binding.unsupported");
    assert_eq!(code(Some(json!({})), None), "token.binding.unsupported");
    assert_eq!(code(Some(json!({ "jwk": {} })), None), "token.binding.unsupported");
    assert_eq!(code(Some(json!({ "jkt": 1 })), Some(&own)), "token.binding.unsupported");
    assert_eq!(
        code(Some(json!({ "jkt": own.thumbprint, "kid": "k" })), Some(&own)),
        "token.binding.unsupported"
    );

    // RFC 8705: the certificate of the connection, alone or beside a proof.
    let digest = base64url_encode(&[7; 32]);
    let certificate = || Some(json!({ "x5t#S256": digest }));
    assert_eq!(certified(certificate(), None, Some([7; 32])), "accepted");
    assert_eq!(certified(certificate(), None, Some([8; 32])), "token.binding.mismatch");
    assert_eq!(certified(certificate(), None, None), "token.binding.unproven");
    assert_eq!(certified(certificate(), Some(&own), Some([7; 32])), "token.binding.absent");
    assert_eq!(certified(None, None, Some([7; 32])), "accepted", "a certificate alone binds nothing");
    let both = || Some(json!({ "jkt": own.thumbprint, "x5t#S256": digest }));
    assert_eq!(certified(both(), Some(&own), Some([7; 32])), "accepted");
    assert_eq!(certified(both(), Some(&own), None), "token.binding.unproven");
    assert_eq!(certified(both(), None, Some([7; 32])), "token.binding.unproven");
}

#[test]
fn a_nonce_is_one_of_the_servers() {
    let key = TestKey::p256();
    let nonces = ["now".to_owned(), "before".to_owned()];
    let with = |nonce: Option<Value>| {
        let mut claims = claims();
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce;
        }
        judge_with(&raw(&key, &header(&key), &claims), Some(&nonces))
            .map(|_| "accepted")
            .unwrap_or_else(|code| code)
    };
    assert_eq!(with(Some(json!("now"))), "accepted");
    assert_eq!(with(Some(json!("before"))), "accepted");
    assert_eq!(with(None), "token.dpop.nonce");
    assert_eq!(with(Some(json!("later"))), "token.dpop.nonce");
    assert_eq!(with(Some(json!("no"))), "token.dpop.nonce");
    assert_eq!(with(Some(json!(1))), "jose.claim.type");
}

#[test]
fn there_is_one_header() {
    fn code<'a>(values: &[&'a [u8]]) -> &'a str {
        read_dpop_header(values).unwrap_or_else(|refusal| refusal.code)
    }
    assert_eq!(code(&[b"a.b.c"]), "a.b.c");
    assert_eq!(code(&[]), "token.dpop.missing");
    assert_eq!(code(&[b"a.b.c", b"a.b.c"]), "token.dpop.several");
    assert_eq!(code(&[b"a.b.c,a.b.c"]), "token.dpop.several");
    assert_eq!(code(&[b"\xff"]), "token.dpop.syntax");
}

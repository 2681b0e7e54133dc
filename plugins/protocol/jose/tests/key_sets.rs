//! JWK Sets: what is read, what is left out, and what refuses the whole set.
#![allow(missing_docs)]

mod support;

use postern_jose::{KeySet, PublishedKey, base64url_encode, write_key_set};
use postern_signature::Algorithm;
use serde_json::{Value, json};
use support::TestKey;

fn jwk(key: &TestKey) -> Value {
    let spki = key.spki();
    let set = write_key_set(&[PublishedKey { key_id: "k1", algorithm: key.algorithm(), spki: &spki }]);
    serde_json::from_str::<Value>(&set.unwrap()).unwrap()["keys"][0].clone()
}

fn with(mut jwk: Value, name: &str, value: Value) -> Value {
    jwk[name] = value;
    jwk
}

fn code(keys: &[Value]) -> &'static str {
    match KeySet::read(json!({ "keys": keys }).to_string().as_bytes()) {
        Ok(_) => "accepted",
        Err(refusal) => refusal.code,
    }
}

#[test]
fn a_key_is_bound_to_its_algorithm() {
    let bound = KeySet::read(json!({ "keys": [jwk(&TestKey::rsa())] }).to_string().as_bytes()).unwrap();
    let key = bound.find("k1").unwrap();
    assert!(key.fits(Algorithm::Rs256) && !key.fits(Algorithm::Ps256) && !key.fits(Algorithm::Es256));

    let mut open = jwk(&TestKey::rsa());
    open.as_object_mut().unwrap().remove("alg");
    let open = KeySet::read(json!({ "keys": [open] }).to_string().as_bytes()).unwrap();
    let key = open.find("k1").unwrap();
    assert!(key.fits(Algorithm::Rs256) && key.fits(Algorithm::Ps256) && !key.fits(Algorithm::EdDsa));
}

#[test]
fn keys_of_other_kinds_are_left_out() {
    let good = jwk(&TestKey::ed25519());
    for other in [
        json!({"kty": "oct", "kid": "x"}),
        json!({"kty": "EC", "crv": "secp256k1", "kid": "x", "x": "AA", "y": "AA"}),
        json!({"kty": "OKP", "crv": "X25519", "kid": "x", "x": "AA"}),
        with(jwk(&TestKey::p256()), "use", json!("enc")),
        with(jwk(&TestKey::p256()), "key_ops", json!(["sign"])),
        with(jwk(&TestKey::rsa()), "alg", json!("RSA-OAEP-256")),
    ] {
        let text = json!({ "keys": [other.clone(), good.clone()] }).to_string();
        assert_eq!(KeySet::read(text.as_bytes()).unwrap().keys().len(), 1, "{other}");
        assert_eq!(code(&[other]), "jose.jwks.empty");
    }
}

#[test]
fn bad_keys_refuse_the_set() {
    let (rsa, p256, ed) = (jwk(&TestKey::rsa()), jwk(&TestKey::p256()), jwk(&TestKey::ed25519()));
    assert_eq!(code(&[p256.clone(), p256.clone()]), "jose.jwks.duplicate-kid");
    assert_eq!(code(&[p256.clone(), ed.clone()]), "jose.jwks.duplicate-kid");
    assert_eq!(code(&[]), "jose.jwks.empty");
    let short = base64url_encode(&[0xff; 128]);
    assert_eq!(code(&[with(rsa.clone(), "n", json!(short))]), "jose.jwk.rsa-size");
    let just_short = base64url_encode(&[[0x7f].as_slice(), &[0xff; 255]].concat());
    assert_eq!(code(&[with(rsa.clone(), "n", json!(just_short))]), "jose.jwk.rsa-size");
    let padded = base64url_encode(&[[0x00].as_slice(), &[0xff; 256]].concat());
    assert_eq!(code(&[with(rsa.clone(), "n", json!(padded))]), "jose.jwk.member");
    let even = base64url_encode(&[0xfe; 256]);
    assert_eq!(code(&[with(rsa.clone(), "n", json!(even))]), "jose.jwk.rsa-exponent");
    for exponent in [&[1_u8][..], &[2], &[1, 0, 0, 0, 1]] {
        let exponent = base64url_encode(exponent);
        assert_eq!(code(&[with(rsa.clone(), "e", json!(exponent))]), "jose.jwk.rsa-exponent");
    }
    assert_eq!(code(&[with(rsa.clone(), "alg", json!("ES256"))]), "jose.jwk.member");
    assert_eq!(code(&[with(rsa.clone(), "d", json!("AQAB"))]), "jose.jwk.private");
    assert_eq!(code(&[json!({"kty": "oct", "kid": "x", "k": "AA"})]), "jose.jwk.private");
    assert_eq!(code(&[with(p256.clone(), "x", json!("AAAA"))]), "jose.jwk.coordinates");
    assert_eq!(code(&[with(p256.clone(), "kid", json!(""))]), "jose.jwk.member");
    assert_eq!(code(&[with(p256.clone(), "kid", json!(1))]), "jose.jwk.member");
    assert_eq!(code(&[with(ed.clone(), "x", json!("AA=="))]), "jose.base64url.broken");
    assert_eq!(code(&[json!("x")]), "jose.jwks.keys");
    assert_eq!(KeySet::read(b"{\"keys\":{}}").unwrap_err().code, "jose.jwks.keys");
    let twice = br#"{"keys":[],"keys":[]}"#;
    assert_eq!(KeySet::read(twice).unwrap_err().code, "json.duplicate-member");
    assert_eq!(KeySet::read(&vec![b' '; 70_000]).unwrap_err().code, "jose.jwks.too-long");
}

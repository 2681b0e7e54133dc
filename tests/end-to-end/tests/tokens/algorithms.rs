//! Every algorithm in the real Envoy: natively where it has it, in the sandbox otherwise.
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_vectors::Keys;
use serde_json::json;

use crate::world::{KeyHost, Reply, World, claims, issuer};

/// P-384: the vectors have no such key.
struct P384(EcdsaKeyPair);

impl P384 {
    fn jwk(&self) -> String {
        let point = self.0.public_key().as_ref();
        let (x, y) = point[1..].split_at(48);
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({ "kty": "EC", "crv": "P-384", "kid": "p384", "x": encode(x), "y": encode(y) }).to_string()
    }
}

#[test]
fn good_signatures_are_accepted_and_all_others_refused() {
    let p384 = P384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("a key"));
    let keys = Keys::shared();
    let get = |name: &str| keys.get(name).expect("a key of the vectors");
    // Without `alg`, so that the RSA key may be used with all four.
    let mut rsa: serde_json::Value = serde_json::from_str(&get("idp-rsa").jwk()).expect("JSON");
    rsa.as_object_mut().expect("an object").remove("alg");
    let set = format!(r#"{{"keys":[{rsa},{},{},{}]}}"#, get("idp-ec").jwk(), get("idp-ed").jwk(), p384.jwk());
    let host = KeyHost::start(Reply::Answer(200, "max-age=600", set));
    let algorithms = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"];
    let mut issuer = issuer();
    issuer["algorithms"] = json!(algorithms);
    let configuration = json!({ "issuers": [issuer], "routes": [{ "match": { "prefix": "/orders" } }] });
    let world = World::start(&configuration, &[&host]);

    let mut found = Vec::new();
    for algorithm in algorithms {
        let key = match algorithm {
            "ES256" => "idp-ec",
            "ES384" => "p384",
            "EdDSA" => "idp-ed",
            _ => "idp-rsa",
        };
        let header = json!({ "alg": algorithm, "typ": "at+jwt", "kid": key }).to_string();
        let input = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims(json!({ "jti": algorithm })).to_string())
        );
        let signature = match algorithm {
            "ES384" => p384.0.sign(&SystemRandom::new(), input.as_bytes()).expect("signed").as_ref().to_vec(),
            _ => get(key).sign_jwt(algorithm, input.as_bytes()).expect("a key of that kind"),
        };
        let token = |signature: &[u8]| format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature));
        let good = token(&signature);
        world.await_status(&good, 200, 503);
        found.push(world.verdict(&good).0);
        for position in [0, signature.len() / 2, signature.len() - 1] {
            let mut wrong = signature.clone();
            wrong[position] ^= 1;
            let verdict = world.verdict(&token(&wrong));
            assert_eq!(verdict, (401, "jose.signature.mismatch".to_owned()), "{algorithm} at {position}");
        }
        for wrong in [&signature[1..], &[0; 64][..], &[1; 256][..]] {
            let verdict = world.verdict(&token(wrong));
            assert_eq!(verdict, (401, "jose.signature.mismatch".to_owned()), "{algorithm}");
        }
    }
    assert_eq!(found, [200; 7]);
}

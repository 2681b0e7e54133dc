//! Every way in which a document can be wrong.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use postern_feed::{
    FeedRule, InForce, Judged, MAX_FEED, Sections, Source, UnsignedFeed, judge_feed, split_configuration,
};
use postern_jose::json::{Object, Value};
use postern_jose::{Key, KeySet, PublishedKey, SigningInput, base64url_encode, write_key_set};
use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};

const ISSUER: &str = "https://sso.example.com";
const NOW: u64 = 1_800_000_000;

/// What `verify_signature` does in the proxy.
struct AwsLc;

impl Verifier for AwsLc {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        assert_eq!(algorithm, Algorithm::Es256);
        // The point is the end of a P-256 SPKI.
        let point = &key.spki()[key.spki().len() - 65..];
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        key.verify(message, signature).map_err(|_| VerifyError::Mismatch)
    }
}

struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn keys(&self) -> KeySet {
        use aws_lc_rs::encoding::AsDer as _;
        let spki = self.0.public_key().as_der().unwrap().as_ref().to_vec();
        KeySet::new(vec![Key::new("k", Algorithm::Es256, PublicKey::from_spki(spki))]).unwrap()
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }

    fn feed(&self, sequence: u64) -> Vec<u8> {
        self.feed_of(ISSUER, sequence, NOW, sequence)
    }

    fn feed_of(&self, issuer: &str, sequence: u64, issued_at: u64, content: u64) -> Vec<u8> {
        let mut section = Object::new();
        section.insert("content".into(), content.into());
        let sections = Object::from_iter([("saml-decoder".to_owned(), Value::Object(section))]);
        let unsigned = UnsignedFeed::new("k", issuer, sequence, issued_at, Sections::new(sections));
        let signature = self.sign(unsigned.signing_input());
        unsigned.with_signature(&signature)
    }
}

fn outcome(bytes: &[u8], keys: &KeySet, in_force: &InForce) -> Result<Judged, &'static str> {
    let rule = FeedRule { issuer: ISSUER, keys, in_force, now: NOW };
    judge_feed(bytes, &rule, &AwsLc).map_err(|refusal| refusal.code)
}

#[test]
fn a_newer_document_is_taken_over_once() {
    let signer = Signer::new();
    let keys = signer.keys();
    let first = outcome(&signer.feed(7), &keys, &InForce { sequence: 6, digest: String::new() }).unwrap();
    let Judged::Newer(feed) = first else { panic!("not newer") };
    let feed = feed.into_inner();
    assert_eq!(feed.in_force.sequence, 7);
    assert_eq!(feed.section("saml-decoder").unwrap(), br#"{"content":7}"#);
    assert_eq!(feed.section("token-validator"), None, "the filter keeps what it has");
    assert_eq!(outcome(&signer.feed(7), &keys, &feed.in_force), Ok(Judged::Unchanged));
    // Two nodes that count apart: the same content under another number.
    let other_node = signer.feed_of(ISSUER, 3, NOW, 7);
    assert_eq!(outcome(&other_node, &keys, &feed.in_force), Ok(Judged::Unchanged));
}

/// Nodes that count apart: one that is far ahead with the same content must not shut out what the other
/// one registers next, and it says nothing that was not in force.
#[test]
fn the_same_content_under_a_greater_number_raises_nothing() {
    let signer = Signer::new();
    let keys = signer.keys();
    let Ok(Judged::Newer(first)) =
        outcome(&signer.feed(7), &keys, &InForce { sequence: 6, digest: String::new() })
    else {
        panic!("not newer")
    };
    let in_force = first.into_inner().in_force;
    let ahead = signer.feed_of(ISSUER, 1_000, NOW, 7);
    assert_eq!(outcome(&ahead, &keys, &in_force), Ok(Judged::Unchanged));
    // What is in force keeps its number 7: the next change is 8, and what was before stays refused.
    assert!(matches!(outcome(&signer.feed(8), &keys, &in_force), Ok(Judged::Newer(_))));
    assert_eq!(outcome(&signer.feed(6), &keys, &in_force), Err("feed.sequence.older"));
}

#[test]
fn a_document_that_is_wrong_changes_nothing() {
    let signer = Signer::new();
    let keys = signer.keys();
    let in_force = InForce { sequence: 7, digest: "of seven".into() };
    let good = signer.feed(8);
    assert!(outcome(&good, &keys, &in_force).is_ok(), "the control");
    let text = String::from_utf8(good.clone()).unwrap();
    let (token, document) = text.split_once('\n').unwrap();
    let resigned = |token_type: &str, change: fn(&mut Object)| {
        let mut claims = Object::new();
        claims.insert("iss".into(), ISSUER.into());
        claims.insert("iat".into(), NOW.into());
        claims.insert("sequence".into(), 8.into());
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, document.as_bytes());
        claims.insert("sha256".into(), base64url_encode(digest.as_ref()).into());
        change(&mut claims);
        let input = SigningInput::new(Algorithm::Es256, "k", token_type, claims);
        let signature = signer.sign(input.as_bytes());
        format!("{}\n{document}", input.with_signature(&signature)).into_bytes()
    };
    assert!(outcome(&resigned("postern-edge+jwt", |_| ()), &keys, &in_force).is_ok(), "the control");
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("feed.document.form", Vec::new()),
        ("feed.document.form", token.into()),
        ("feed.document.form", b"\xff\n{}".to_vec()),
        ("feed.document.too-long", vec![b'a'; MAX_FEED + 1]),
        ("jose.token.parts", b"<html>\n</html>".to_vec()),
        ("jose.token.parts", format!("{document}\n{token}").into_bytes()),
        ("feed.digest.mismatch", format!("{token}\n{document} ").into_bytes()),
        ("feed.digest.mismatch", format!("{token}\n{}", document.replace('8', "9")).into_bytes()),
        ("jose.signature.mismatch", Signer::new().feed(8)),
        (
            "jose.alg.not-allowed",
            format!("{}\n{document}", token.replacen("eyJhbGciOiJFUzI1NiI", "eyJhbGciOiJSUzI1NiI", 1))
                .into_bytes(),
        ),
        ("feed.type.mismatch", resigned("at+jwt", |_| ())),
        ("feed.issuer.mismatch", signer.feed_of("https://sso.example.com/", 8, NOW, 8)),
        ("feed.issued-at.future", signer.feed_of(ISSUER, 8, NOW + 301, 8)),
        ("feed.sequence.older", signer.feed(7)),
        ("feed.sequence.older", signer.feed(0)),
        ("jose.claim.missing", resigned("postern-edge+jwt", |claims| drop(claims.remove("sequence")))),
        ("jose.claim.missing", resigned("postern-edge+jwt", |claims| drop(claims.remove("sha256")))),
        ("jose.claim.missing", resigned("postern-edge+jwt", |claims| drop(claims.remove("iat")))),
        (
            "jose.claim.type",
            resigned("postern-edge+jwt", |claims| drop(claims.insert("sequence".into(), (-1).into()))),
        ),
    ];
    for (code, bytes) in cases {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert_eq!(outcome(&bytes, &keys, &in_force), Err(code), "{shown}");
    }
    for cut in 0..good.len() {
        assert!(outcome(&good[..cut], &keys, &in_force).is_err(), "cut at {cut}");
    }
}

#[test]
fn the_source_is_taken_out_of_the_configuration() {
    let plain = br#"{ "routes" : [] }"#.to_vec();
    assert_eq!(split_configuration(plain.clone()).unwrap(), (None, plain));
    assert_eq!(split_configuration(Vec::new()).unwrap(), (None, Vec::new()));
    let source = |keys: &str, interval: u32, more: &str| {
        format!(
            r#"{{"a":1,"feed":{{"cluster":"lan","authority":"sso.example.com","issuer":"{ISSUER}",
            "keys":{keys},"in_force":{{"sequence":4,"digest":"d"}},"interval_seconds":{interval}{more}}}}}"#
        )
        .into_bytes()
    };
    let x = base64url_encode(&[7; 32]);
    let keys = format!(r#"{{"keys":[{{"kty":"EC","crv":"P-256","kid":"k","x":"{x}","y":"{x}"}}]}}"#);
    let (found, rest) = split_configuration(source(&keys, 5, "")).unwrap();
    assert_eq!(rest, br#"{"a":1}"#);
    assert_eq!((found.unwrap().in_force.sequence, rest.len()), (4, 7));
    for (code, bytes) in [
        ("feed.source.invalid", source(&keys, 0, "")),
        ("feed.source.invalid", source(&keys, 5, r#","more":1"#)),
        ("feed.source.invalid", br#"{"feed":true}"#.to_vec()),
        ("jose.jwks.empty", source(r#"{"keys":[]}"#, 5, "")),
        ("json.duplicate-member", source(&keys, 5, r#","cluster":"other""#)),
        ("json.malformed", b"{".to_vec()),
    ] {
        assert_eq!(split_configuration(bytes).unwrap_err().code, code);
    }
}

fn jwks(signer: &Signer, key_id: &str) -> String {
    use aws_lc_rs::encoding::AsDer as _;
    let spki = signer.0.public_key().as_der().unwrap();
    let key = PublishedKey { key_id, algorithm: postern_feed::ALGORITHM, spki: spki.as_ref() };
    write_key_set(&[key]).unwrap()
}

/// Two nodes, each with a key and a count of its own: either's word is good, and neither's step back.
#[test]
fn further_keys_are_accepted_beside_the_first() {
    let (one, other) = (Signer::new(), Signer::new());
    let mut source = Source {
        cluster: "lan".into(),
        authority: "sso.example.com".into(),
        issuer: ISSUER.into(),
        keys: serde_json::from_str(&jwks(&one, "k")).unwrap(),
        in_force: InForce { sequence: 5, digest: String::new() },
        interval_seconds: 5,
    };
    let of_other = |sequence, content| {
        let mut section = Object::new();
        section.insert("content".into(), Value::from(content));
        let sections = Object::from_iter([("saml-decoder".to_owned(), Value::Object(section))]);
        let unsigned = UnsignedFeed::new("other", ISSUER, sequence, NOW, Sections::new(sections));
        let signature = other.sign(unsigned.signing_input());
        unsigned.with_signature(&signature)
    };
    let keys = source.key_set().unwrap();
    assert_eq!(outcome(&of_other(6, 6), &keys, &source.in_force), Err("jose.kid.unknown"));

    source.accept_keys(jwks(&other, "other").as_bytes()).unwrap();
    source.accept_keys(jwks(&other, "other").as_bytes()).unwrap();
    assert_eq!(source.keys["keys"].as_array().unwrap().len(), 2, "a key that is there stays once");
    let keys = source.key_set().unwrap();
    let Ok(Judged::Newer(feed)) = outcome(&of_other(6, 6), &keys, &source.in_force) else {
        panic!("a further key signs as well")
    };
    let in_force = feed.into_inner().in_force;
    assert_eq!(outcome(&one.feed_of(ISSUER, 9, NOW, 6), &keys, &in_force), Ok(Judged::Unchanged));
    assert_eq!(outcome(&one.feed(5), &keys, &in_force), Err("feed.sequence.older"));
    assert!(matches!(outcome(&one.feed(7), &keys, &in_force), Ok(Judged::Newer(_))));
    // Another key under a name that is taken, or no keys at all.
    let before = source.clone();
    assert!(source.accept_keys(jwks(&Signer::new(), "other").as_bytes()).is_err());
    for text in ["", "[]", "{}", r#"{"keys":[]}"#] {
        let mut source = before.clone();
        assert!(source.accept_keys(text.as_bytes()).is_err(), "{text}");
        assert_eq!(source, before);
    }
}

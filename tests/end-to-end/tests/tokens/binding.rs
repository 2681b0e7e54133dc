//! Tokens that are bound to a key or to a certificate of their client.
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_end_to_end::certificates::{Authority, Issued};
use postern_end_to_end::client::Origin;
use postern_end_to_end::wire::Answer;
use serde_json::{Value, json};

use crate::configuration::Tls;
use crate::world::{KeyHost, Setup, World, good, issuer, proof, token};

const ORIGIN: &str = "https://api.example.com";

fn with_proof(world: &World, path: &str, (token, proof): &(String, String)) -> Answer {
    world.send_with(path, &[("authorization", &format!("DPoP {token}")), ("dpop", proof)])
}

fn challenge(answer: &Answer) -> (u16, Option<&str>, Option<&str>) {
    (answer.status, answer.header("www-authenticate"), answer.header("dpop-nonce"))
}

/// A proof needs a nonce of the proxy; whichever worker gave it out, all of them accept it.
#[test]
fn a_proof_carries_a_nonce_of_the_proxy() {
    let host = KeyHost::start(good(&["idp-ec"]));
    let configuration = json!({
        "issuers": [issuer()],
        "routes": [
            { "match": { "prefix": "/orders" } },
            { "match": { "prefix": "/strict" }, "require_dpop": true },
        ],
        "dpop": { "origins": [ORIGIN], "nonce_seconds": 3600 },
    });
    let world = World::start_with(&configuration, &[&host], Setup { workers: 3, ..Setup::default() });
    let bearer = token("idp-ec", json!({}));
    world.await_status(&bearer, 200, 503);
    let answer = world.send("/strict", &bearer);
    assert_eq!(challenge(&answer), (401, Some("DPoP"), None));

    let uri = format!("{ORIGIN}/orders");
    let answer = with_proof(&world, "/orders", &proof("client-ec", &uri, json!({})));
    let (status, challenge_of, nonce) = challenge(&answer);
    assert_eq!((status, challenge_of), (401, Some("DPoP error=\"use_dpop_nonce\"")));
    let nonce = nonce.expect("a nonce").to_owned();
    for number in 0..30 {
        let proof = proof("client-ec", &uri, json!({ "nonce": nonce, "jti": number.to_string() }));
        assert_eq!(with_proof(&world, "/orders", &proof).status, 200, "{}", world.proxy.log());
    }
    let strict = proof("client-ec", &format!("{ORIGIN}/strict"), json!({ "nonce": nonce }));
    assert_eq!(with_proof(&world, "/strict", &strict).status, 200);
    assert_eq!(
        challenge(&with_proof(&world, "/strict", &strict)),
        (401, Some("DPoP error=\"invalid_dpop_proof\""), None)
    );

    // A nonce is asked for only where everything else is right.
    for (what, changes) in [
        ("another's", json!({ "nonce": "AAAAAAAAAAAAAAAAAAAAAA" })),
        ("none", json!({ "nonce": "" })),
        ("a part", json!({ "nonce": nonce[1..] })),
    ] {
        assert_eq!(with_proof(&world, "/orders", &proof("client-ec", &uri, changes)).status, 401, "{what}");
    }
    let wrong = json!({ "htm": "POST" });
    let answer = with_proof(&world, "/orders", &proof("client-ec", &uri, wrong));
    assert_eq!(challenge(&answer), (401, Some("DPoP error=\"invalid_dpop_proof\""), None));
}

/// The token goes with the certificate of the TLS connection, whatever a header says.
#[test]
fn a_token_goes_with_the_certificate_of_its_connection() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new(folder.path(), "authority");
    let server = authority.issue("edge", &["localhost"]);
    let (own, other) = (authority.issue("own", &["own"]), authority.issue("other", &["other"]));
    let host = KeyHost::start(good(&["idp-ec"]));
    let configuration = json!({ "issuers": [issuer()], "routes": [{ "match": { "prefix": "/orders" } }] });
    let setup = Setup { tls: Some(Tls::new(&server, &authority)), ..Setup::default() };
    let world = World::start_with(&configuration, &[&host], setup);
    let origin = |certificate: Option<&Issued>| {
        Origin::tls(world.origin.port, "localhost", authority.client(certificate))
    };
    let digest = |issued: &Issued| {
        URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, issued.der()))
    };
    let bound = |cnf: Value| format!("Bearer {}", token("idp-ec", json!({ "cnf": cnf })));
    let to_own = bound(json!({ "x5t#S256": digest(&own) }));
    let told = format!("Hash={}", digest(&own));
    let verdict = |certificate: Option<&Issued>, authorization: &str| {
        world.upstream.take();
        let before = world.logged();
        let headers = [("authorization", authorization), ("x-forwarded-client-cert", &told)];
        let answer = world.send_from(&origin(certificate), "/orders", &headers);
        let reason = world.proxy.logged_after(before).reason;
        assert_eq!(world.upstream.take().len(), usize::from(answer.status == 200), "{reason}");
        (answer.status, reason)
    };
    let refused = |code: &str| (401, code.to_owned());
    // The first one waits for the keys.
    assert_eq!(verdict(Some(&own), &to_own).0, 200, "{}", world.proxy.log());
    assert_eq!(verdict(Some(&other), &to_own), refused("token.binding.mismatch"));
    assert_eq!(verdict(None, &to_own), refused("token.binding.unproven"));
    let to_both = bound(json!({ "x5t#S256": digest(&own), "jkt": "AAAA" }));
    assert_eq!(verdict(Some(&own), &to_both), refused("token.binding.unproven"));
    let unknown = bound(json!({ "x5t": digest(&own) }));
    assert_eq!(verdict(Some(&own), &unknown), refused("token.binding.unsupported"));
    let unbound = format!("Bearer {}", token("idp-ec", json!({})));
    assert_eq!(verdict(Some(&other), &unbound).0, 200, "a certificate alone binds nothing");
}

//! Tokens whose issuer says in its answer that they are bound, and routes that want bound ones.
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_end_to_end::certificates::{Authority, Issued};
use postern_end_to_end::client::Origin;
use serde_json::{Value, json};

use crate::asked::{AskedHost, active, asked_issuer};
use crate::configuration::Tls;
use crate::world::{KeyHost, Setup, World, good, issuer, proof, proof_for, thumbprint, token};

const ORIGIN: &str = "https://api.example.com";

#[test]
fn a_token_bound_to_a_key_comes_with_its_proof() {
    let host = AskedHost::start();
    let configuration = json!({
        "issuers": [asked_issuer(json!({}))],
        "routes": [
            { "match": { "prefix": "/orders" } },
            { "match": { "prefix": "/strict" }, "require_dpop": true },
        ],
        "dpop": { "origins": [ORIGIN] },
    });
    let world = World::start(&configuration, &[&host.host]);
    let bound = json!({ "token_type": "DPoP", "cnf": { "jkt": thumbprint("client-ec") } });
    host.say("bound", active(bound));
    host.say("unbound", active(json!({})));
    host.say("said-so", active(json!({ "token_type": "DPoP" })));
    let send = |path: &str, token: &str, key: &str, changes: Value| {
        let proof = proof_for(token, key, &format!("{ORIGIN}{path}"), changes);
        let before = world.logged();
        let headers = [("authorization", &*format!("DPoP {token}")), ("dpop", &*proof)];
        let status = world.send_with(path, &headers).status;
        (status, world.proxy.logged_after(before).reason)
    };
    let refused = |code: &str| (401, code.to_owned());
    let first = || send("/orders", "bound", "client-ec", json!({ "jti": "first" }));
    assert_eq!(first().0, 200, "{}", world.proxy.log());
    assert_eq!(first(), refused("token.dpop.replayed"));
    assert_eq!(send("/strict", "bound", "client-ec", json!({})).0, 200);
    assert_eq!(send("/orders", "bound", "other-client-ec", json!({})), refused("token.binding.mismatch"));
    let another = json!({ "ath": "AAAA", "jti": "2" });
    assert_eq!(send("/orders", "bound", "client-ec", another), refused("token.dpop.token-hash"));
    assert_eq!(send("/orders", "unbound", "client-ec", json!({})), refused("token.binding.absent"));
    assert_eq!(world.verdict("bound"), refused("token.binding.unproven"));
    assert_eq!(world.verdict("unbound").0, 200);
    assert_eq!(world.verdict("said-so"), (503, "token.introspection.unbound".to_owned()));
    let (answer, reason, _) = world.ask("/strict", "unbound");
    assert_eq!((answer.status, reason.as_str()), (401, "token.dpop.required"));
    assert_eq!(host.asked(), 3, "each once");
}

/// An answer brings the next nonce when that of the proof will not be good for much longer (RFC 9449
/// section 8.2), and no other answer does.
#[test]
fn a_good_answer_brings_the_next_nonce() {
    let host = KeyHost::start(good(&["idp-ec"]));
    let configuration = json!({
        "issuers": [issuer()],
        "routes": [{ "match": { "prefix": "/orders" } }],
        "dpop": { "origins": [ORIGIN], "nonce_seconds": 10 },
    });
    let world = World::start(&configuration, &[&host]);
    world.await_status(&token("idp-ec", json!({})), 200, 503);
    let uri = format!("{ORIGIN}/orders");
    let send = |changes: Value| {
        let (token, proof) = proof("client-ec", &uri, changes);
        let headers = [("authorization", &*format!("DPoP {token}")), ("dpop", &*proof)];
        let answer = world.send_with("/orders", &headers);
        (answer.status, answer.header("dpop-nonce").map(str::to_owned))
    };
    let (status, nonce) = send(json!({}));
    assert_eq!(status, 401);
    let mut nonce = nonce.expect("a nonce");
    let mut renewed = 0;
    // The client uses what it is told, and is never asked for another: for three intervals.
    for number in 0_u32.. {
        let (status, next) = send(json!({ "nonce": nonce, "jti": number.to_string() }));
        assert_eq!(status, 200, "{}", world.proxy.log());
        match next {
            Some(next) => {
                assert_ne!(next, nonce);
                (nonce, renewed) = (next, renewed + 1);
            }
            None => std::thread::sleep(std::time::Duration::from_millis(200)),
        }
        if renewed == 3 {
            break;
        }
        assert!(number < 600, "no nonce is renewed");
    }
}

#[test]
fn a_token_bound_to_a_certificate_comes_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new(folder.path(), "authority");
    let server = authority.issue("edge", &["localhost"]);
    let (own, other) = (authority.issue("own", &["own"]), authority.issue("other", &["other"]));
    let host = AskedHost::start();
    let configuration = json!({
        "issuers": [asked_issuer(json!({}))],
        "routes": [
            { "match": { "prefix": "/orders" } },
            { "match": { "prefix": "/strict" }, "require_certificate": true },
        ],
    });
    let setup = Setup { tls: Some(Tls::new(&server, &authority)), ..Setup::default() };
    let world = World::start_with(&configuration, &[&host.host], setup);
    let digest = URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, own.der()));
    host.say("bound", active(json!({ "cnf": { "x5t#S256": digest } })));
    host.say("unbound", active(json!({})));
    let verdict = |path: &str, certificate: Option<&Issued>, token: &str| {
        let origin = Origin::tls(world.origin.port, "localhost", authority.client(certificate));
        world.upstream.take();
        let before = world.logged();
        let answer = world.send_from(&origin, path, &[("authorization", &*format!("Bearer {token}"))]);
        let reason = world.proxy.logged_after(before).reason;
        assert_eq!(world.upstream.take().len(), usize::from(answer.status == 200), "{reason}");
        (answer.status, reason)
    };
    let refused = |code: &str| (401, code.to_owned());
    for path in ["/orders", "/strict"] {
        assert_eq!(verdict(path, Some(&own), "bound").0, 200, "{}", world.proxy.log());
        assert_eq!(verdict(path, Some(&other), "bound"), refused("token.binding.mismatch"));
        assert_eq!(verdict(path, None, "bound"), refused("token.binding.unproven"));
    }
    assert_eq!(verdict("/orders", Some(&own), "unbound").0, 200);
    assert_eq!(verdict("/strict", Some(&own), "unbound"), refused("token.certificate.required"));
}

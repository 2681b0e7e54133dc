//! Opaque tokens of node-oidc-provider, as it issues, describes and revokes them.
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_end_to_end::client::Origin;
use postern_end_to_end::process::{Process, free_port};
use postern_end_to_end::tools;
use serde_json::{Value, json};

use crate::asked::SECRET;
use crate::world::{AUDIENCE, KeyHost, World, proof_for};

const ORIGIN: &str = "https://api.example.com";

struct Provider {
    port: u16,
    process: Process,
}

impl Provider {
    fn start(folder: &std::path::Path) -> Self {
        let port = free_port();
        let scripts = tools::workspace().join("tests/end-to-end/relying-parties");
        let mut command = Command::new(tools::node());
        command.arg(scripts.join("oidc-provider.js")).arg(port.to_string()).args([SECRET, AUDIENCE]);
        command.current_dir(scripts);
        let mut process = Process::start("oidc-provider", &command, &folder.join("oidc-provider.log"));
        process.wait_for_port(port);
        Self { port, process }
    }

    fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A form of the client `shop`.
    fn post(&self, path: &str, form: &[(&str, &str)], proof: Option<&str>) -> Value {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        let body = body.extend_pairs(form).finish();
        let proof = proof.map_or_else(String::new, |proof| format!("dpop: {proof}\r\n"));
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nauthorization: Basic {}\r\n{proof}content-type: \
             application/x-www-form-urlencoded\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.port,
            STANDARD.encode("shop:secret-of-the-shop"),
            body.len()
        );
        let answer = Origin::plain(self.port).exchange(request.as_bytes()).expect("an answer");
        assert_eq!(answer.status, 200, "{}\n{}", answer.text(), self.process.log());
        serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
    }

    fn token(&self, scope: &str, resource: Option<&str>, proof: Option<&str>) -> String {
        let mut form = vec![("grant_type", "client_credentials"), ("scope", scope)];
        form.extend(resource.map(|resource| ("resource", resource)));
        let tokens = self.post("/token", &form, proof);
        let token = tokens["access_token"].as_str().expect("a token").to_owned();
        assert!(!token.contains('.'), "{token} is opaque");
        token
    }
}

#[test]
fn its_opaque_tokens_are_judged() {
    let folder = tempfile::tempdir().expect("a folder");
    let provider = Provider::start(folder.path());
    let configuration = json!({
        "issuers": [{
            "issuer": provider.issuer(),
            "audiences": [AUDIENCE],
            "introspection": {
                "cluster": "keys-0", "authority": format!("127.0.0.1:{}", provider.port),
                "path": "/token/introspection", "client_id": "edge", "client_secret": SECRET,
                // A client stands for itself here.
                "may_lack": ["sub"], "max_cache_seconds": 1, "refused_cache_seconds": 1,
            },
        }],
        "routes": [{ "match": { "prefix": "/orders" }, "scopes": ["orders.read"] }],
        "dpop": { "origins": [ORIGIN] },
    });
    let host = KeyHost::elsewhere(provider.port);
    let world = World::start(&configuration, &[&host]);
    let good = provider.token("orders.read", Some(AUDIENCE), None);
    let (answer, reason, reached) = world.ask("/orders", &good);
    assert_eq!(answer.status, 200, "{reason}\n{}\n{}", world.proxy.log(), provider.process.log());
    let headers = reached[0].headers();
    for (name, expected) in
        [("x-postern-client-id", "shop"), ("x-postern-subject", "shop"), ("x-postern-scope", "orders.read")]
    {
        assert!(headers.contains(&(name.to_owned(), expected.to_owned())), "{name} in {headers:?}");
    }
    let other = provider.token("orders.write", Some(AUDIENCE), None);
    assert_eq!(world.verdict(&other), (403, "token.scope.insufficient".into()));
    let for_all = provider.token("", None, None);
    assert_eq!(world.verdict(&for_all), (401, "jose.claim.missing".into()), "it has no audience");
    assert_eq!(world.verdict("nobodys"), (401, "token.introspection.inactive".into()));

    // Bound to a key by the provider's own rules.
    let endpoint = format!("{}/token", provider.issuer());
    let proof = proof_for("", "client-ec", &endpoint, json!({ "htm": "POST" }));
    let bound = provider.token("orders.read", Some(AUDIENCE), Some(&proof));
    assert_eq!(world.verdict(&bound), (401, "token.binding.unproven".into()));
    let proof = proof_for(&bound, "client-ec", &format!("{ORIGIN}/orders"), json!({}));
    let headers = [("authorization", &*format!("DPoP {bound}")), ("dpop", &*proof)];
    assert_eq!(world.send_with("/orders", &headers).status, 200, "{}", world.proxy.log());

    provider.post("/token/revocation", &[("token", &good)], None);
    let begun = Instant::now();
    while world.verdict(&good) != (401, "token.introspection.inactive".into()) {
        assert!(begun.elapsed() < Duration::from_secs(30), "a revoked token stays good");
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(provider);
    let begun = Instant::now();
    while world.verdict(&good).0 != 503 {
        assert!(begun.elapsed() < Duration::from_secs(30), "nobody is there to say so");
        std::thread::sleep(Duration::from_millis(100));
    }
}

//! Opaque tokens at an edge that is generated from one policy file, in Envoy and in nginx: the secret of the
//! client that asks is in the proxy's environment, and in nothing that was generated.
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_end_to_end::certificates::Authority;
use postern_end_to_end::client::Origin;
use postern_end_to_end::envoy::Envoy;
use postern_end_to_end::nginx::Nginx;
use postern_end_to_end::process::free_port;
use postern_end_to_end::proxy::Proxy;
use postern_end_to_end::tools;
use postern_end_to_end::upstream::Upstream;
use postern_end_to_end::wire::{Answer, Message};
use postern_vectors::Reply;
use serde_json::{Value, json};
use tempfile::TempDir;

const PUBLIC: &str = "sso.example.com";
const LAN: &str = "idp.lan.example.com";
const ISSUER: &str = "https://sso.example.com";
/// A variable that every environment of a test has: its value is the secret here.
const VARIABLE: &str = "HOME";

const POLICY: &str = r#"behind = "endpoints"
hosts = ["sso.example.com"]
[listen]
address = "127.0.0.1:@PORT@"
certificate = "@CERTIFICATE@"
key = "@KEY@"
[upstream]
nodes = ["127.0.0.1:@NODE@"]
server_name = "idp.lan.example.com"
ca = "@CA@"
[filters]
directory = "@FILTERS@"
[log]
access = "@FOLDER@/access.log"
[[endpoints]]
path = "/api/orders"
methods = ["GET"]
[tokens]
issuer = "https://sso.example.com"
audience = "https://sso.example.com"
keys = "/keys"
[tokens.introspection]
path = "/introspect"
client_id = "edge"
client_secret_env = "HOME"
max_cache = "1s"
[[tokens.routes]]
prefix = "/api"
scopes = ["orders"]
"#;

struct Site {
    folder: TempDir,
    origin: Origin,
    node: Upstream,
    port: u16,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (outside, inside) =
            (Authority::new(folder.path(), "outside"), Authority::new(folder.path(), "inside"));
        let server = inside.server(&inside.issue("host", &[LAN]), false);
        let node = Upstream::start(Some(server), BTreeMap::new());
        let edge = outside.issue("edge", &[PUBLIC]);
        let port = free_port();
        let filters = tools::filter("guard").parent().expect("a folder").to_owned();
        let text = [
            ("@PORT@", port.to_string()),
            ("@CERTIFICATE@", text_of(&edge.certificate_file)),
            ("@KEY@", text_of(&edge.key_file)),
            ("@NODE@", node.port.to_string()),
            ("@CA@", text_of(&inside.certificate_file())),
            ("@FILTERS@", text_of(&filters)),
            ("@FOLDER@", text_of(folder.path())),
        ]
        .iter()
        .fold(POLICY.to_owned(), |text, (from, to)| text.replace(from, to));
        fs::write(folder.path().join("postern-edge.toml"), text).expect("a folder to write to");
        let origin = Origin::tls(port, PUBLIC, outside.client(None));
        Self { folder, origin, node, port }
    }

    fn configuration(&self, proxy: &str) -> String {
        let output = Command::new(tools::postern())
            .args(["edge", "config", "--for", proxy, "--policy", "postern-edge.toml"])
            .current_dir(self.folder.path())
            .output()
            .expect("postern runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn ask(&self, token: &str) -> Answer {
        let bytes = format!(
            "GET /api/orders HTTP/1.1\r\nhost: {PUBLIC}\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        self.origin.exchange(bytes.as_bytes()).expect("an answer")
    }

    /// What came through since the last look. The proxy also asks for keys, whenever it wants to.
    fn reached(&self) -> Vec<Message> {
        let mut all = self.node.take();
        all.retain(|message| message.start_line().contains(" /api/orders "));
        all
    }

    /// What the issuer says from now on.
    fn say(&self, members: Value) {
        let headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
        self.node.reply("/introspect", Reply { status: 200, headers, body: members.to_string().into() });
    }
}

#[allow(clippy::disallowed_methods, reason = "tokens are made for the clock that the filter reads")]
fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock after 1970").as_secs()
}

fn text_of(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

fn judge(site: &Site, proxy: &Proxy) {
    let before = proxy.logged();
    // The node has no such endpoint yet: what it says is no answer.
    let answer = site.ask("first");
    assert_eq!(answer.status, 503, "{}\n{}", answer.text(), proxy.log());
    assert_eq!(proxy.logged_after(before).reason, "token.introspection.content-type");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let asked = site.node.take();
    let asked = asked.iter().find(|message| message.start_line() == "POST /introspect HTTP/1.1");
    let asked = asked.expect("a question");
    #[allow(clippy::disallowed_methods, reason = "what the proxy has in its environment")]
    let secret = std::env::var(VARIABLE).expect("HOME is set");
    let credentials = format!("edge:{}", secret.replace('/', "%2F"));
    let expected = ("authorization".to_owned(), format!("Basic {}", STANDARD.encode(credentials)));
    assert!(asked.headers().contains(&expected), "{:?}", asked.headers());
    assert_eq!(asked.body, b"token=first&token_type_hint=access_token");

    let members = |changes: Value| {
        let mut members = json!({
            "active": true, "iss": ISSUER, "aud": ISSUER, "sub": "ada", "client_id": "shop",
            "token_type": "Bearer", "scope": "orders", "iat": now(), "exp": now() + 300,
        });
        let Value::Object(changes) = changes else { panic!("changes are an object") };
        members.as_object_mut().expect("an object").extend(changes);
        members
    };
    site.say(members(json!({})));
    let answer = site.ask("second");
    assert_eq!(answer.status, 200, "{}\n{}", answer.text(), proxy.log());
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "a request that waited, too");
    let reached = site.reached();
    let headers = reached[0].headers();
    assert!(headers.contains(&("x-postern-subject".to_owned(), "ada".to_owned())), "{headers:?}");
    site.say(members(json!({ "aud": "https://other.example.com" })));
    assert_eq!(site.ask("third").status, 401);
    site.say(json!({ "active": false }));
    assert_eq!(site.ask("fourth").status, 401);
    assert!(site.reached().is_empty(), "what is refused does not reach the LAN");
}

#[test]
fn envoy_asks_about_opaque_tokens() {
    let site = Site::new();
    let configuration = site.configuration("envoy");
    let access_log = site.folder.path().join("access.log");
    judge(&site, &Proxy::Envoy(Envoy::start(site.folder.path(), &configuration, site.port, access_log)));
}

#[test]
fn nginx_asks_about_opaque_tokens() {
    let site = Site::new();
    let configuration = site.configuration("nginx");
    let access_log = site.folder.path().join("access.log");
    judge(&site, &Proxy::Nginx(Nginx::start(site.folder.path(), &configuration, site.port, access_log)));
}

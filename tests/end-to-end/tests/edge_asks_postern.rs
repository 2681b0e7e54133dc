//! Postern's own introspection behind the filter: the guard in the DMZ asks the real server about the tokens
//! that it gave out, those of a person and those of a job.
use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_end_to_end::browser::Browser;
use postern_end_to_end::certificates::Authority;
use postern_end_to_end::client::Origin;
use postern_end_to_end::postern::{Application, Postern};
use postern_end_to_end::process::free_port;
use postern_end_to_end::proxy::{Kind, Proxy};
use postern_end_to_end::tools;
use postern_end_to_end::wire::Answer;
use serde_json::{Value, json};
use tempfile::TempDir;

const USER: (&str, &str) = ("alice", "correct horse battery staple");
const OTHER: &str = "https://other.example.com";
const UNSERVED: &str = "https://unserved.example.com";
/// Where the application is: nobody listens there.
const APPLICATION: &str = "http://127.0.0.1:1/";
/// The verifier of the challenge in RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const POLICY: &str = r#"behind = "endpoints"
hosts = ["@HOST@"]
[listen]
address = "127.0.0.1:@PORT@"
certificate = "@CERTIFICATE@"
key = "@KEY@"
[upstream]
nodes = ["127.0.0.1:@NODE@"]
server_name = "postern.lan"
ca = "@CA@"
client_certificate = "@OWN@"
client_key = "@OWN_KEY@"
[filters]
directory = "@FILTERS@"
[log]
access = "@FOLDER@/access.log"
[[endpoints]]
path = "/oauth2/userinfo"
methods = ["GET"]
[tokens]
issuer = "https://@HOST@"
audience = "https://@HOST@"
[tokens.introspection]
path = "/oauth2/introspect"
client_id = "edge"
client_secret_file = "secret"
tokens = "all"
max_cache = "1s"
client_calls_per_minute = 10000
[[tokens.routes]]
exact = "/oauth2/userinfo"
"#;

/// Postern in the LAN, and a proxy with the guards before it.
struct World {
    postern: Postern,
    edge: Origin,
    proxy: Proxy,
    /// As whom the guard asks.
    asking: Application,
    _folder: TempDir,
}

impl World {
    fn start(register: impl FnOnce(&Postern)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // Tokens end when they say so: the edge's own clock and Postern's are the same here.
        let settings = "[modules.settings.oidc]\nclock_skew = 0\n";
        let mut postern = Postern::alone(&folder.path().join("lan"), settings);
        postern.add_user(USER.0, USER.1);
        let asking = json!({
            "client_id": "edge", "grant_types": ["client_credentials"], "scope": "none",
            "introspects": [postern.base_url, OTHER],
        });
        let asking = postern.add_application("oidc", "edge", &asking.to_string());
        register(&postern);
        postern.start();

        let web = Authority::new(folder.path(), "web");
        let (certificate, own) =
            (web.issue("edge", &["localhost"]), postern.lan.issue("guard", &["proxy.dmz"]));
        let port = free_port();
        let text = [
            ("@HOST@", postern.base_url.trim_start_matches("https://").to_owned()),
            ("@PORT@", port.to_string()),
            ("@CERTIFICATE@", certificate.certificate_file.display().to_string()),
            ("@KEY@", certificate.key_file.display().to_string()),
            ("@NODE@", postern.public_port.to_string()),
            ("@CA@", postern.lan.certificate_file().display().to_string()),
            ("@OWN@", own.certificate_file.display().to_string()),
            ("@OWN_KEY@", own.key_file.display().to_string()),
            ("@FILTERS@", tools::filter("guard").parent().expect("a folder").display().to_string()),
            ("@FOLDER@", folder.path().display().to_string()),
        ]
        .iter()
        .fold(POLICY.to_owned(), |text, (from, to)| text.replace(from, to));
        fs::write(folder.path().join("postern-edge.toml"), text).expect("a folder to write to");
        fs::write(folder.path().join("secret"), asking.secret.as_ref().expect("a secret"))
            .expect("a folder to write to");
        let kind = Kind::of_test(env!("CARGO_CRATE_NAME"));
        let output = Command::new(tools::postern())
            .args(["edge", "config", "--for", kind.name(), "--policy", "postern-edge.toml"])
            .current_dir(folder.path())
            .output()
            .expect("postern runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let configuration = String::from_utf8(output.stdout).expect("UTF-8");
        let access_log = folder.path().join("access.log");
        let proxy = Proxy::start(kind, folder.path(), &configuration, port, access_log);
        let edge = Origin::tls(port, "localhost", web.client(None));
        Self { postern, edge, proxy, asking, _folder: folder }
    }

    fn host(&self) -> &str {
        self.postern.base_url.trim_start_matches("https://")
    }

    /// Asks for userinfo through the edge: what came, and why.
    fn ask(&self, token: &str) -> (Answer, String) {
        let before = self.proxy.logged();
        let bytes = format!(
            "GET /oauth2/userinfo HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n",
            self.host()
        );
        let answer = self.edge.exchange(bytes.as_bytes()).expect("an answer");
        (answer, self.proxy.logged_after(before).reason)
    }

    fn verdict(&self, token: &str) -> (u16, String) {
        let (answer, reason) = self.ask(token);
        (answer.status, reason)
    }

    /// A POST at Postern itself, by that client.
    fn post(&self, path: &str, client: Option<&Application>, form: &[(&str, &str)]) -> Value {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let authorization = client.map_or_else(String::new, |client| {
            let encode =
                |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let secret = client.secret.as_deref().expect("a secret");
            let pair = format!("{}:{}", encode(&client.identifier), encode(secret));
            format!("authorization: Basic {}\r\n", STANDARD.encode(pair))
        });
        let bytes = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nx-postern-client-address: 127.0.0.1\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\n{authorization}content-length: {}\r\n\r\n{body}",
            self.host(),
            body.len()
        );
        let answer = self.postern.public(true).exchange(bytes.as_bytes()).expect("an answer");
        assert_eq!(answer.status, 200, "{path}: {}\n{}", answer.text(), self.postern.log());
        serde_json::from_str(&answer.text()).expect("JSON")
    }

    /// A token of the job itself.
    fn job_token(&self, client: &Application) -> String {
        let form = [("grant_type", "client_credentials"), ("scope", "reports:read")];
        text(&self.post("/oauth2/token", Some(client), &form)["access_token"])
    }

    /// What the application of a person gets when that person signs in.
    fn sign_in(&self) -> Value {
        let callback = format!("{APPLICATION}callback");
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("response_type", "code"),
                ("client_id", "board"),
                ("redirect_uri", &callback),
                ("scope", "openid email offline_access"),
                ("state", "s"),
                ("code_challenge", CHALLENGE),
                ("code_challenge_method", "S256"),
            ])
            .finish();
        let mut browser = Browser::behind_proxy(self.postern.proxy_tls());
        let url = format!("{}/oauth2/authorize?{query}", self.postern.base_url);
        let page = browser.open_until(&url, APPLICATION).expect("a page");
        let form = page.form_with("f.password").expect("a sign-in page");
        let typed = [("f.username", USER.0), ("f.password", USER.1), ("action", "sign-in")];
        let page = browser.submit_until(&page, &form, &typed, APPLICATION).expect("a page");
        let code = page.url.query_pairs().find(|(name, _)| name == "code");
        let code = code.unwrap_or_else(|| panic!("no code at {}: {}", page.url, page.text())).1.into_owned();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", callback.as_str()),
            ("client_id", "board"),
            ("code_verifier", VERIFIER),
        ];
        self.post("/oauth2/token", None, &form)
    }

    fn introspect(&self, token: &str) -> Value {
        self.post("/oauth2/introspect", Some(&self.asking), &[("token", token)])
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("text, not {value}")).to_owned()
}

fn inactive() -> (u16, String) {
    (401, "token.introspection.inactive".to_owned())
}

#[test]
fn postern_says_which_of_its_tokens_are_good() {
    let (mut job, mut elsewhere, mut unserved) = (None, None, None);
    let mut world = World::start(|postern| {
        let board = json!({
            "client_id": "board", "redirect_uris": [format!("{APPLICATION}callback")],
            "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid email offline_access",
        });
        postern.add_application("oidc", "board", &board.to_string());
        let add = |name: &str, audience: &str| {
            let source = json!({
                "client_id": name, "grant_types": ["client_credentials"], "scope": "reports:read",
                "audience": [audience], "access_token_lifetime": 60,
            });
            Some(postern.add_application("oidc", name, &source.to_string()))
        };
        job = add("job", &postern.base_url);
        elsewhere = add("elsewhere", OTHER);
        unserved = add("unserved", UNSERVED);
    });
    let job = job.expect("a client");
    // These end while the rest goes on.
    let (seen, unseen) = (world.job_token(&job), world.job_token(&job));
    let (status, reason) = world.verdict(&seen);
    let logs = format!("{}\n{}", world.proxy.log(), world.postern.log());
    assert!(!reason.starts_with("token."), "the guard lets it through: {status} {reason}\n{logs}");

    // A person's token: the guard and userinfo are of one mind.
    let tokens = world.sign_in();
    let (person, refresh) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
    let (answer, reason) = world.ask(&person);
    assert_eq!(answer.status, 200, "{reason}: {}\n{}", answer.text(), world.proxy.log());
    let userinfo: Value = serde_json::from_str(&answer.text()).expect("JSON");
    assert_eq!(userinfo["email"], "alice@example.com");
    // What a resource server may expect of an answer (RFC 7662 section 2.2, RFC 9470 section 6.2).
    let members = world.introspect(&person);
    assert_eq!(members["active"], true, "{members}");
    assert_eq!((&members["iss"], &members["aud"]), (&json!(world.postern.base_url), &members["iss"]));
    assert_eq!((&members["client_id"], &members["token_type"]), (&json!("board"), &json!("Bearer")));
    assert_eq!(members["sub"], userinfo["sub"]);
    let scopes = text(&members["scope"]);
    assert!(["openid", "email"].iter().all(|scope| scopes.split(' ').any(|own| own == *scope)), "{scopes}");
    let time = |name: &str| members[name].as_u64().unwrap_or_else(|| panic!("{name} in {members}"));
    assert!(time("exp") > time("iat") && time("iat") >= time("auth_time"), "{members}");
    assert!(members["jti"].is_string(), "{members}");

    // Of another audience: one that the guard may ask about and does not accept, and one that it may not
    // ask about. What is no access token of Postern's.
    let other = world.job_token(&elsewhere.expect("a client"));
    assert_eq!(world.introspect(&other)["active"], true);
    assert_eq!(world.verdict(&other), (401, "token.audience.mismatch".to_owned()));
    assert_eq!(world.verdict(&world.job_token(&unserved.expect("a client"))), inactive());
    for nothing in ["opaque", "a.b.c", refresh.as_str(), &text(&tokens["id_token"])] {
        assert_eq!(world.verdict(nothing), inactive(), "{nothing}");
    }
    let mut forged = person.clone();
    let last = forged.pop();
    forged.push(if last == Some('A') { 'Q' } else { 'A' });
    assert_eq!(world.verdict(&forged), inactive());

    // Revoked by the client that has it, and by switching the person off: known for a second at most.
    let revoked = world.job_token(&job);
    assert!(!world.verdict(&revoked).1.starts_with("token."));
    world.post("/oauth2/revoke", Some(&job), &[("token", &revoked)]);
    becomes_inactive(&world, &revoked);
    world.postern.run(&["user", "disable", USER.0]);
    becomes_inactive(&world, &person);

    // Postern calls it expired, and so the guard, whether it was good before or is new.
    becomes_inactive(&world, &seen);
    assert_eq!(world.introspect(&seen), json!({ "active": false }));
    assert_eq!(world.verdict(&unseen), inactive());

    // Postern away: nobody's token is wrong.
    let answered = world.job_token(&job);
    world.postern.stop();
    // To Envoy's filters that looks like a response, nginx's are told that there is none.
    let code = match world.proxy {
        Proxy::Envoy(_) => "token.introspection.status",
        Proxy::Nginx(_) => "token.introspection.unreachable",
    };
    assert_eq!(world.verdict(&answered), (503, code.to_owned()));
}

fn becomes_inactive(world: &World, token: &str) {
    let begun = Instant::now();
    loop {
        let (status, reason) = world.verdict(token);
        if (status, reason.clone()) == inactive() {
            return;
        }
        assert!(!reason.starts_with("token."), "{status} {reason}");
        assert!(begun.elapsed() < Duration::from_secs(120), "it stays good: {status} {reason}");
        thread::sleep(Duration::from_millis(500));
    }
}

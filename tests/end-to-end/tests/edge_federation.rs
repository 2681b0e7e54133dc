//! A policy with everything of a federation, from `postern edge config` to real traffic through Envoy, with
//! the guards in one VM: artifacts by client certificate, Responses of a partner, WS-Federation, flows of
//! the product at the paths of messages, tenants, rules that only report, keys of an issuer elsewhere.
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use postern_end_to_end::certificates::{Authority, Issued};
use postern_end_to_end::client::Origin;
use postern_end_to_end::envoy::Envoy;
use postern_end_to_end::process::free_port;
use postern_end_to_end::tools;
use postern_end_to_end::upstream::Upstream;
use postern_end_to_end::wire::Answer;
use postern_vectors::{Keys, load_rule};
use serde_json::{Value, json};
use tempfile::TempDir;

const PUBLIC: &str = "sso.example.com";
const BASE: &str = "https://sso.example.com";
const ENTITY: &str = "https://sso.example.com/identity/metadata/saml2";
const PARTY: &str = "https://timesheets.example.com/saml/metadata";
const PARTNER: &str = "https://id.partner.example";

struct Site {
    folder: TempDir,
    envoy: Envoy,
    node: Upstream,
    keys: Upstream,
    outside: Authority,
    clients: Authority,
    registered: Issued,
    port: u16,
}

impl Site {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = |name: &str| Authority::new(folder.path(), name);
        let (outside, inside, clients) = (authority("outside"), authority("inside"), authority("clients"));
        let registered = clients.issue("timesheets", &["timesheets.example.com"]);
        let lan = inside.server(&inside.issue("host", &["is.lan.example.com"]), false);
        let node = Upstream::start(Some(lan), BTreeMap::new());
        // The partner's keys are on another host, with a certificate of another authority.
        let partner = outside.server(&outside.issue("partner", &["127.0.0.1"]), false);
        let keys = Upstream::start(Some(partner), BTreeMap::from([("/jwks".to_owned(), jwks())]));
        let port = free_port();
        let policy = policy(&folder, &outside, &inside, &clients, &registered, [port, node.port, keys.port]);
        fs::write(folder.path().join("postern-edge.toml"), policy).expect("a folder to write to");
        fs::write(folder.path().join("partner.crt"), certificate()).expect("a folder to write to");
        let configuration = postern(folder.path(), &["config", "--for", "envoy"]);
        let access_log = folder.path().join("access.log");
        let envoy = Envoy::start(folder.path(), &configuration, port, access_log);
        Self { folder, envoy, node, keys, outside, clients, registered, port }
    }

    fn request(&self, certificate: Option<&Issued>, line: &str, headers: &str, body: &str) -> Answer {
        let origin = Origin::tls(self.port, PUBLIC, self.outside.client(certificate));
        let length = if line.starts_with("POST") {
            format!("content-length: {}\r\n", body.len())
        } else {
            String::new()
        };
        let bytes =
            format!("{line} HTTP/1.1\r\nhost: {PUBLIC}\r\nconnection: close\r\n{headers}{length}\r\n{body}");
        origin.exchange(bytes.as_bytes()).expect("an answer")
    }

    /// The status, and the reason code in Envoy's log.
    fn judged(&self, certificate: Option<&Issued>, line: &str, headers: &str, body: &str) -> (u16, String) {
        let before = self.envoy.logged();
        let status = self.request(certificate, line, headers, body).status;
        (status, self.envoy.logged_after(before).reason)
    }

    fn form(&self, target: &str, body: &str) -> (u16, String) {
        self.judged(None, &format!("POST {target}"), FORM, body)
    }

    fn get(&self, target: &str) -> (u16, String) {
        self.judged(None, &format!("GET {target}"), "", "")
    }
}

const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";
const SOAP: &str = "content-type: text/xml; charset=utf-8\r\n";

fn passes() -> (u16, String) {
    (200, "via_upstream".to_owned())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn postern(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(tools::postern())
        .arg("edge")
        .args(arguments)
        .args(["--policy", "postern-edge.toml"])
        .current_dir(folder)
        .output()
        .expect("postern runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn policy(
    folder: &TempDir,
    outside: &Authority,
    inside: &Authority,
    clients: &Authority,
    registered: &Issued,
    [port, node, keys]: [u16; 3],
) -> String {
    let edge = outside.issue("edge", &[PUBLIC]);
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let filters = tools::filter("guard").parent().map(text).expect("a folder");
    let metadata = text(&tools::workspace().join("examples/edge/relying-parties/timesheets.xml"));
    format!(
        r#"behind = "wso2is"
protocols = ["saml2", "oidc", "wsfed"]
hosts = ["{PUBLIC}"]
report_only = ["saml.message.elsewhere", "token.scope.insufficient"]
[listen]
address = "127.0.0.1:{port}"
certificate = "{edge}"
key = "{edge_key}"
client_ca = "{clients}"
[upstream]
nodes = ["127.0.0.1:{node}"]
server_name = "is.lan.example.com"
ca = "{inside}"
[filters]
directory = "{filters}"
[wso2is]
tenants = ["example.com"]
[saml]
relying_parties = ["{metadata}"]
[saml.artifact_resolution]
entity_id = "{ENTITY}"
[[saml.artifact_resolution.relying_parties]]
entity_id = "{PARTY}"
certificates = ["{registered}"]
[saml.federation]
entity_id = "{ENTITY}"
[[saml.federation.identity_providers]]
entity_id = "https://idp.example.com/metadata"
certificates = ["partner.crt"]
[[wsfed.realms]]
realm = "urn:example:app"
replies = ["https://app.example.com/wsfed"]
[[tokens.issuers]]
issuer = "{PARTNER}"
audiences = ["api"]
algorithms = ["ES256"]
keys = "https://127.0.0.1:{keys}/jwks"
keys_ca = "{outside}"
[[tokens.routes]]
exact = "/api/orders"
[[tokens.routes]]
exact = "/api/reports"
scopes = ["reports"]
[[authorization.clients]]
client_id = "shop"
redirect_uris = ["https://shop.example.com/callback"]
[[endpoints]]
path = "/api/orders"
methods = ["GET"]
[[endpoints]]
path = "/api/reports"
methods = ["GET"]
[[endpoints]]
path = "/other"
methods = ["GET"]
query_parameters = ["SAMLRequest"]
[log]
access = "{log}"
"#,
        edge = text(&edge.certificate_file),
        edge_key = text(&edge.key_file),
        clients = text(&clients.certificate_file()),
        inside = text(&inside.certificate_file()),
        outside = text(&outside.certificate_file()),
        registered = text(&registered.certificate_file),
        log = text(&folder.path().join("access.log")),
    )
}

fn certificate() -> String {
    Keys::shared().get("idp-rsa").expect("a key").certificate_pem()
}

fn jwks() -> String {
    let mut key: Value =
        serde_json::from_str(&Keys::shared().get("sp-ec").expect("a key").jwk()).expect("JSON");
    key["kid"] = "partner".into();
    json!({ "keys": [key] }).to_string()
}

#[allow(clippy::disallowed_methods, reason = "messages are made for the clock that the filters read")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// An artifact of this identity provider, resolved by that service provider, in SOAP.
fn artifact_resolve(id: &str, issuer: &str) -> String {
    let source = digest(&SHA1_FOR_LEGACY_USE_ONLY, ENTITY.as_bytes());
    let artifact = STANDARD.encode([&[0, 4, 0, 0], source.as_ref(), &[7; 20]].concat());
    let instant = instant();
    format!(
        "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>\
         <samlp:ArtifactResolve xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol' \
         xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion' ID='_{id}-0123456789abcdef' Version='2.0' \
         IssueInstant='{instant}' Destination='{BASE}/samlartresolve'><saml:Issuer>{issuer}</saml:Issuer>\
         <samlp:Artifact>{artifact}</samlp:Artifact></samlp:ArtifactResolve></s:Body></s:Envelope>"
    )
}

/// Now, as SAML writes it.
fn instant() -> String {
    let output = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]).output().expect("date runs");
    String::from_utf8(output.stdout).expect("ASCII").trim().to_owned()
}

fn token(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": "partner" });
    let covered = format!("{}.{}", part(&header), part(claims));
    let key = Keys::shared().get("sp-ec").expect("a key");
    let signature = key.sign_jwt("ES256", covered.as_bytes()).expect("a signature");
    format!("{covered}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn artifacts_are_resolved_by_the_registered_certificate() {
    let site = Site::start();
    let resolve = |certificate: Option<&Issued>, id: &str, issuer: &str| {
        site.judged(certificate, "POST /samlartresolve", SOAP, &artifact_resolve(id, issuer))
    };
    let registered = Some(&site.registered);
    assert_eq!(resolve(registered, "one", PARTY), passes(), "{}", site.envoy.process.log());
    let reached = site.node.take();
    assert_eq!(
        reached.iter().map(|message| message.start_line()).collect::<Vec<_>>(),
        ["POST /samlartresolve HTTP/1.1"]
    );
    assert_eq!(resolve(registered, "one", PARTY), refused(400, "saml.request.replayed"));
    // Of the same authority, and not registered for that service provider.
    let other = site.clients.issue("other", &["other.example.com"]);
    assert_eq!(resolve(Some(&other), "two", PARTY), refused(403, "saml.artifact-resolve.certificate"));
    assert_eq!(resolve(None, "three", PARTY), refused(403, "saml.artifact-resolve.certificate"));
    assert_eq!(resolve(registered, "four", "https://nobody.example/"), refused(400, "saml.issuer.unknown"));
    // Browsers have none, and are served.
    assert_eq!(site.get("/oauth2/jwks"), passes());
    // One of another authority does not get through the handshake.
    let strangers = Authority::new(site.folder.path(), "strangers");
    let stranger = strangers.issue("stranger", &["timesheets.example.com"]);
    let origin = Origin::tls(site.port, PUBLIC, site.outside.client(Some(&stranger)));
    let request = format!("GET /oauth2/jwks HTTP/1.1\r\nhost: {PUBLIC}\r\nconnection: close\r\n\r\n");
    assert!(origin.exchange(request.as_bytes()).is_err(), "a certificate of nobody's is no certificate");
    let reached: Vec<_> = site.node.take().iter().map(|message| message.start_line()).collect();
    assert_eq!(reached, ["GET /oauth2/jwks HTTP/1.1"], "nothing of the others reaches the LAN");
}

/// The federation's members of the decoder in `guard.wasm`.
#[test]
fn messages_of_a_federation_are_judged_in_one_vm() {
    let site = Site::start();
    let response = |name: &str| {
        let vectors = load_rule("saml-response");
        let vector = vectors.iter().find(|vector| vector.name.ends_with(name)).expect("a vector");
        let request = vector.materialise(Keys::shared(), now(), BASE, now()).remove(0);
        String::from_utf8(request.body).expect("a form")
    };
    let good = response("/idp-response-assertion-signed");
    assert_eq!(site.form("/commonauth", &good), passes(), "{}", site.envoy.process.log());
    assert_eq!(site.form("/commonauth", &good), refused(400, "saml.request.replayed"));
    for (name, code) in [
        ("/idp-response-both-inner-forged", "xml."),
        ("/idp-response-audience-other", "saml.assertion.audience"),
        ("/idp-response-destination", "saml.destination.mismatch"),
    ] {
        let (status, found) = site.form("/commonauth", &response(name));
        assert!(status == 400 && found.starts_with(code), "{name}: {status} {found}");
    }
    assert_eq!(site.form("/commonauth", "username=anna&password=x&sessionDataKey=0d3c"), passes());
    assert_eq!(site.get("/commonauth?SAMLResponse=x"), refused(400, "saml.response.by-redirect"));

    let sign_in = "/passivests?wa=wsignin1.0&wtrealm=urn:example:app";
    for target in [
        sign_in.to_owned(),
        format!("{sign_in}&tenantDomain=example.com"),
        "/passivests?sessionDataKey=0d3c&chkRemember=on".to_owned(),
        "/samlsso?sessionDataKey=0d3c&chkRemember=on".to_owned(),
        "/oauth2/authorize?sessionDataKey=0d3c".to_owned(),
    ] {
        assert_eq!(site.get(&target), passes(), "{target}");
    }
    for (target, code) in [
        (format!("{sign_in}&wreply=https%3A%2F%2Fevil.example%2F"), "wsfed.reply.not-registered"),
        (format!("{sign_in}&tenantDomain=other.example"), "wsfed.parameter.value"),
        ("/passivests?wa=wsignin1.0&wtrealm=urn:other".to_owned(), "wsfed.realm.unknown"),
        ("/oauth2/authorize?client_id=nobody&response_type=code".to_owned(), "oauth.client.unknown"),
    ] {
        assert_eq!(site.get(&target), refused(400, code), "{target}");
    }
    let consent = "sessionDataKeyConsent=0d3c&consent=approve&consent_1=on";
    assert_eq!(site.form("/oauth2/authorize", consent), passes());
    assert_eq!(
        site.form("/oauth2/authorize", &format!("{consent}&client_id=shop")),
        refused(400, "form.field.unknown")
    );
    // A rule that only reports.
    assert_eq!(site.get("/other?SAMLRequest=x"), passes());
    assert!(site.envoy.process.log().contains("report only, let through"), "{}", site.envoy.process.log());
    assert!(site.envoy.process.log().contains("saml.message.elsewhere"), "{}", site.envoy.process.log());
}

/// Keys over TLS from a host that is no node of the identity provider, and a scope that is only reported.
#[test]
fn tokens_of_an_issuer_elsewhere_are_judged_by_its_keys() {
    let site = Site::start();
    let end = Instant::now() + Duration::from_secs(20);
    while site.keys.take().is_empty() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(50));
    }
    let now = now();
    let good = json!({ "iss": PARTNER, "aud": "api", "sub": "anna", "client_id": "shop", "iat": now - 5,
        "exp": now + 300, "jti": "1", "scope": "orders" });
    let asked = |path: &str, token: &str| {
        site.judged(None, &format!("GET {path}"), &format!("authorization: Bearer {token}\r\n"), "")
    };
    assert_eq!(asked("/api/orders", &token(&good)), passes(), "{}", site.envoy.process.log());
    let mut wrong = good.clone();
    wrong["aud"] = "another".into();
    assert_eq!(asked("/api/orders", &token(&wrong)), refused(401, "token.audience.mismatch"));
    let (head, signature) =
        token(&good).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a token");
    let tampered = format!("{head}.{}", signature.chars().rev().collect::<String>());
    assert_eq!(asked("/api/orders", &tampered).0, 401);
    assert_eq!(site.get("/api/orders"), refused(401, "token.authorization.missing"));
    // Without the scope: reported, and let through.
    assert_eq!(asked("/api/reports", &token(&good)), passes());
    assert!(site.envoy.process.log().contains("token.scope.insufficient"), "{}", site.envoy.process.log());
}

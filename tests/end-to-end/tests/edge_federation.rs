//! A policy with everything of a federation, from `postern edge config` to real traffic through the proxy, with
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
use postern_end_to_end::process::free_port;
use postern_end_to_end::proxy::{Kind, Proxy};
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
    proxy: Proxy,
    node: Upstream,
    keys: Upstream,
    outside: Authority,
    clients: Authority,
    registered: Issued,
    port: u16,
}

impl Site {
    fn start() -> Self {
        Self::reporting("")
    }

    /// With further codes in `report_only`.
    fn reporting(codes: &str) -> Self {
        let kind = Kind::of_test(env!("CARGO_CRATE_NAME"));
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
        let listed = "report_only = [";
        assert!(policy.contains(listed), "the policy has rules that only report");
        let policy = policy.replace(listed, &format!("{listed}{codes}"));
        fs::write(folder.path().join("postern-edge.toml"), policy).expect("a folder to write to");
        fs::write(folder.path().join("partner.crt"), certificate()).expect("a folder to write to");
        let configuration = postern(folder.path(), &["config", "--for", kind.name()]);
        let access_log = folder.path().join("access.log");
        let proxy = Proxy::start(kind, folder.path(), &configuration, port, access_log);
        Self { folder, proxy, node, keys, outside, clients, registered, port }
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

    /// The status, and the reason code in the proxy's log.
    fn judged(&self, certificate: Option<&Issued>, line: &str, headers: &str, body: &str) -> (u16, String) {
        let before = self.proxy.logged();
        let status = self.request(certificate, line, headers, body).status;
        (status, self.proxy.logged_after(before).reason)
    }

    fn form(&self, target: &str, body: &str) -> (u16, String) {
        self.judged(None, &format!("POST {target}"), FORM, body)
    }

    fn get(&self, target: &str) -> (u16, String) {
        self.judged(None, &format!("GET {target}"), "", "")
    }

    /// Exit status of `postern edge probe`, and what it found of these classes: entry and outcome.
    fn probe(&self, classes: &[&str]) -> (Option<i32>, Vec<(String, String)>) {
        let output = Command::new(tools::postern())
            .args(["edge", "probe", BASE, "--policy", "postern-edge.toml", "--ca", "outside.pem", "--json"])
            .args(["--resolve", &format!("127.0.0.1:{}", self.port)])
            .current_dir(self.folder.path())
            .output()
            .expect("postern runs");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
        });
        let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        let findings = report["findings"].as_array().expect("findings").iter();
        let found = findings.map(|finding| (text(finding, "entry"), text(finding, "outcome")));
        let of_them = found.filter(|(entry, _)| classes.iter().any(|class| entry.starts_with(class)));
        (output.status.code(), of_them.collect())
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
[posted_query_parameters]
"/commonauth" = ["sessionDataKey"]
[saml]
relying_parties = ["{metadata}"]
[saml.artifact_resolution]
entity_id = "{ENTITY}"
[[saml.artifact_resolution.relying_parties]]
entity_id = "{PARTY}"
certificates = ["{registered}"]
[[saml.federation]]
entity_id = "{ENTITY}"
paths = ["/commonauth"]
[[saml.federation.identity_providers]]
entity_id = "https://idp.example.com/metadata"
certificates = ["partner.crt"]
[[saml.federation]]
entity_id = "{BASE}/second"
paths = ["/second/acs"]
serves_other_forms = false
[[saml.federation.identity_providers]]
entity_id = "https://second.example.com/metadata"
certificates = ["partner.crt"]
[wsfed.results]
audiences = ["urn:example:edge"]
[[wsfed.results.identity_providers]]
entity_id = "https://sts.partner.example.com/"
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
path = "/second/acs"
methods = ["POST"]
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
    assert_eq!(resolve(registered, "one", PARTY), passes(), "{}", site.proxy.log());
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
    // One of another authority gets nowhere.
    let strangers = Authority::new(site.folder.path(), "strangers");
    let stranger = strangers.issue("stranger", &["timesheets.example.com"]);
    let origin = Origin::tls(site.port, PUBLIC, site.outside.client(Some(&stranger)));
    let request = format!("GET /oauth2/jwks HTTP/1.1\r\nhost: {PUBLIC}\r\nconnection: close\r\n\r\n");
    // Envoy ends the handshake, nginx answers after it.
    let status = origin.exchange(request.as_bytes()).map(|answer| answer.status);
    assert!(matches!(status, Err(_) | Ok(400)), "a certificate of nobody's is no certificate: {status:?}");
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
    assert_eq!(site.form("/commonauth", &good), passes(), "{}", site.proxy.log());
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

    // Query and body of one POST: named in the policy, and in one of them only.
    let login = "username=anna&password=x";
    assert_eq!(site.form("/commonauth?sessionDataKey=0d3c", login), passes());
    for (target, body, code) in [
        ("/commonauth?sessionDataKey=0d3c", "username=anna&sessionDataKey=9f", "form.duplicate"),
        ("/commonauth?username=root", login, "endpoint.query.with-body"),
        ("/commonauth?sessionDataKey=0d3c&idp=x", login, "endpoint.query.with-body"),
        ("/oauth2/authorize?client_id=nobody", "client_id=shop", "endpoint.query.with-body"),
        ("/passivests?wa=wsignout1.0", "wa=wsignin1.0&wtrealm=urn:example:app", "endpoint.query.with-body"),
        ("/samlsso?RelayState=x", "SAMLRequest=x", "endpoint.query.with-body"),
        ("/samlsso?spQualifier=hr", "SAMLRequest=x&spQualifier=it", "form.duplicate"),
    ] {
        assert_eq!(site.form(target, body), refused(400, code), "{target} {body}");
    }
    // The product's login page after an AuthnRequest.
    let own = format!("tocommonauth=true&sessionDataKey=0d3c&{login}&chkRemember=on");
    assert_eq!(site.form("/samlsso", &own), passes());
    assert_eq!(site.form("/oauth2/authorize", &own), passes());
    assert_eq!(site.form("/samlsso", &format!("{own}&SAMLRequest=x")), refused(400, "form.field.unknown"));

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
    assert!(site.proxy.log().contains("report only, let through"), "{}", site.proxy.log());
    assert!(site.proxy.log().contains("saml.message.elsewhere"), "{}", site.proxy.log());
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
    assert_eq!(asked("/api/orders", &token(&good)), passes(), "{}", site.proxy.log());
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
    assert!(site.proxy.log().contains("token.scope.insufficient"), "{}", site.proxy.log());
}

/// What is posted in a vector.
fn posted(rule: &str, name: &str) -> String {
    let vectors = load_rule(rule);
    let vector = vectors.iter().find(|vector| vector.name.ends_with(name)).expect("a vector");
    let request = vector.materialise(Keys::shared(), now(), BASE, now()).remove(0);
    String::from_utf8(request.body).expect("a form")
}

/// Tokens of SAML 1.1 and 2.0 by WS-Federation.
#[test]
fn tokens_of_ws_federation_are_verified() {
    let site = Site::start();
    for name in ["/token-saml1", "/token-saml2", "/token-saml1-collection", "/token-saml2-recipient"] {
        let body = posted("wsfed-token", name);
        assert_eq!(site.form("/passivests", &body), passes(), "{name}: {}", site.proxy.log());
        assert_eq!(site.form("/passivests", &body), refused(400, "saml.request.replayed"), "{name}");
    }
    site.node.take();
    for (name, code) in [
        ("/token-saml1-unsigned", "xml.signature.missing"),
        ("/token-saml1-tampered", "xml.digest.mismatch"),
        ("/token-saml2-other-key", "xml.signature.mismatch"),
        ("/token-wrapped-beside", "wsfed.token.misplaced"),
        ("/token-wrapped-outside", "wsfed.token.misplaced"),
        ("/token-saml1-audience", "saml.assertion.audience"),
        ("/token-issuer", "saml.identity-provider.unknown"),
    ] {
        assert_eq!(site.form("/passivests", &posted("wsfed-token", name)), refused(400, code), "{name}");
    }
    assert!(site.node.take().is_empty(), "nothing of it reaches the LAN");
}

/// Two entity IDs behind one proxy: each takes the Responses that are for it, of those that it trusts.
#[test]
fn each_service_has_its_own_identity_providers() {
    let site = Site::start();
    let body = posted("saml-response", "/idp-response-assertion-signed");
    assert_eq!(site.form("/second/acs", &body), refused(400, "saml.identity-provider.unknown"));
    let other = site.judged(None, "POST /second/acs", FORM, "username=anna");
    assert_eq!(other.0, 400, "{other:?}");
    assert_eq!(site.form("/commonauth", &body), passes());
}

const PROBED: [&str; 3] = ["wsfed/", "artifact/", "federation/"];

#[test]
fn what_the_probe_sends_to_a_federation_is_refused() {
    let site = Site::start();
    let (status, found) = site.probe(&PROBED);
    let passed: Vec<_> = found.iter().filter(|(_, outcome)| !outcome.starts_with("refused")).collect();
    assert!(passed.is_empty(), "{passed:#?}\n{}", site.proxy.log());
    assert_eq!(status, Some(0));
    for class in PROBED {
        let count = found.iter().filter(|(entry, _)| entry.starts_with(class)).count();
        assert!(count >= 25, "{count} of {class}");
    }
    let reached: Vec<_> = site.node.take().iter().map(|message| message.start_line()).collect();
    assert_eq!(reached, Vec::<String>::new(), "nothing of it reaches the LAN");
}

/// Rules that were left to report: messages of nobody reach the LAN, and the probe says so.
#[test]
fn the_probe_fails_where_messages_of_nobody_pass() {
    let codes = r#""wsfed.realm.unknown", "saml.issuer.unknown", "saml.identity-provider.unknown", "#;
    let site = Site::reporting(codes);
    let (status, found) = site.probe(&PROBED);
    assert_eq!(status, Some(1), "{found:?}");
    for entry in ["wsfed/nobody", "wsfed/nobody-post", "artifact/nobody", "federation/unsigned"] {
        let outcome = found.iter().find(|(name, _)| name == entry).map(|(_, outcome)| outcome.as_str());
        assert_eq!(outcome, Some("passed"), "{entry}");
    }
    // What protects the readers behind refuses all the same.
    for entry in ["wsfed/action-twice", "artifact/doctype", "artifact/header", "federation/doctype"] {
        let outcome = found.iter().find(|(name, _)| name == entry).map(|(_, outcome)| outcome.as_str());
        assert!(outcome.is_some_and(|outcome| outcome.starts_with("refused")), "{entry}: {outcome:?}");
    }
    let reached: Vec<_> = site.node.take().iter().map(|message| message.start_line()).collect();
    for line in ["POST /samlartresolve HTTP/1.1", "POST /commonauth HTTP/1.1", "POST /passivests HTTP/1.1"] {
        assert!(reached.iter().any(|reached| reached == line), "{line}: {reached:?}");
    }
}

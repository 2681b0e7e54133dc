//! One policy file, from `postern edge config --policy` to real traffic through Envoy, nginx and Apache, with
//! `postern edge probe` as the client.
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use postern_end_to_end::certificates::Authority;
use postern_end_to_end::client::Origin;
use postern_end_to_end::process::{Process, free_port};
use postern_end_to_end::proxy::{Kind, Proxy};
use postern_end_to_end::tools;
use postern_end_to_end::upstream::Upstream;
use postern_end_to_end::wire::Answer;
use serde_json::Value;
use tempfile::TempDir;

const PUBLIC: &str = "sso.example.com";
const LAN: &str = "is.lan.example.com";
/// Where Debian keeps Apache's modules.
const MODULES: &str = "/usr/lib/apache2/modules";

/// A policy in a folder, in front of two recording nodes.
struct Site {
    folder: TempDir,
    origin: Origin,
    nodes: [Upstream; 2],
    port: u16,
}

impl Site {
    /// The example for WSO2 IS, with the files and addresses of this test.
    fn wso2is() -> Self {
        Self::of("wso2is", ["is1.lan.example.com:9443", "is2.lan.example.com:9443"])
    }

    fn of(example: &str, names: [&str; 2]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let outside = Authority::new(folder.path(), "outside");
        let inside = Authority::new(folder.path(), "inside");
        // Apache asks for the public name, Envoy for the node's.
        let host = inside.issue("host", &[LAN, "keycloak.lan.example.com", PUBLIC]);
        let node = || Upstream::start(Some(inside.server(&host, false)), BTreeMap::new());
        let nodes = [node(), node()];
        let edge = outside.issue("edge", &[PUBLIC]);
        let port = free_port();
        let examples = tools::workspace().join("examples/edge");
        let example =
            fs::read_to_string(examples.join(example).join("postern-edge.toml")).expect("the example");
        // An example without SAML has none.
        let example = example.replace("../relying-parties", &text_of(&examples.join("relying-parties")));
        let filters = tools::filter("endpoint-filter").parent().expect("a folder").to_owned();
        let text = [
            ("0.0.0.0:443", format!("127.0.0.1:{port}")),
            (names[0], format!("127.0.0.1:{}", nodes[0].port)),
            (names[1], format!("127.0.0.1:{}", nodes[1].port)),
            ("/etc/envoy/sso.crt", text_of(&edge.certificate_file)),
            ("/etc/envoy/sso.key", text_of(&edge.key_file)),
            ("/etc/envoy/lan-ca.crt", text_of(&inside.certificate_file())),
            ("/usr/lib/postern/filters", text_of(&filters)),
            ("/var/log/envoy/access.log", text_of(&folder.path().join("access.log"))),
        ]
        .iter()
        .fold(example, |text, (from, to)| {
            assert!(text.contains(from), "the example has no {from}");
            text.replace(from, to)
        });
        fs::write(folder.path().join("postern-edge.toml"), text).expect("a folder to write to");
        let origin = Origin::tls(port, PUBLIC, outside.client(None));
        Self { folder, origin, nodes, port }
    }

    fn postern(&self, arguments: &[&str]) -> Output {
        Command::new(tools::postern())
            .arg("edge")
            .args(arguments)
            .args(["--policy", "postern-edge.toml"])
            .current_dir(self.folder.path())
            .output()
            .expect("postern runs")
    }

    fn configuration(&self, proxy: &str) -> String {
        let output = self.postern(&["config", "--for", proxy]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn start(&self, kind: Kind) -> Proxy {
        let access_log = self.folder.path().join("access.log");
        let configuration = self.configuration(kind.name());
        Proxy::start(kind, self.folder.path(), &configuration, self.port, access_log)
    }

    fn probe(&self, more: &[&str]) -> (Output, Vec<Value>) {
        let authority = text_of(&self.folder.path().join("outside.pem"));
        let address = format!("127.0.0.1:{}", self.port);
        let url = format!("https://{PUBLIC}");
        let arguments =
            [&["probe", &url, "--ca", &authority, "--resolve", &address, "--json"], more].concat();
        let output = self.postern(&arguments);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
        });
        let findings = report["findings"].as_array().expect("findings").clone();
        (output, findings)
    }

    /// The public host without a port: the policy's.
    fn request(&self, line: &str, headers: &str, body: &str) -> Answer {
        let bytes = format!("{line} HTTP/1.1\r\nhost: {PUBLIC}\r\nconnection: close\r\n{headers}\r\n{body}");
        self.origin.exchange(bytes.as_bytes()).expect("an answer")
    }

    /// Request lines that came to each node.
    fn reached(&self) -> [Vec<String>; 2] {
        [0, 1].map(|node| self.nodes[node].take().iter().map(|message| message.start_line()).collect())
    }
}

fn text_of(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

const FORM: &str = "content-type: application/x-www-form-urlencoded\r\ncontent-length: 3\r\n";

#[test]
fn envoy_from_the_example_refuses_the_catalogue_and_serves_the_product() {
    the_example_refuses_the_catalogue_and_serves_the_product(Kind::Envoy);
}

#[test]
fn nginx_from_the_example_refuses_the_catalogue_and_serves_the_product() {
    the_example_refuses_the_catalogue_and_serves_the_product(Kind::Nginx);
}

fn the_example_refuses_the_catalogue_and_serves_the_product(kind: Kind) {
    let site = Site::wso2is();
    let proxy = site.start(kind);

    for (line, headers, body) in [
        ("GET /samlsso?sessionDataKey=0d3c-4f", "", ""),
        ("GET /authenticationendpoint/login.do?sessionDataKey=x&type=samlsso", "", ""),
        ("GET /authenticationendpoint/libs/themes/theme.min.css", "", ""),
        ("POST /commonauth", FORM, "a=b"),
        ("POST /oauth2/token", FORM, "a=b"),
        ("GET /oauth2/jwks", "", ""),
    ] {
        let answer = site.request(line, headers, body);
        assert_eq!(answer.status, 200, "{line}: {}\n{}", answer.text(), proxy.log());
    }
    let reached = site.reached().concat();
    assert_eq!(reached.len(), 6, "{reached:?}");

    // What a client says about itself is not what the node is told.
    let forged = "x-forwarded-for: 6.6.6.6\r\nx-forwarded-host: evil.example\r\nx-forwarded-proto: http\r\n";
    site.request("GET /oauth2/jwks", forged, "");
    let messages: Vec<_> = site.nodes.iter().flat_map(|node| node.take()).collect();
    let [message] = messages.as_slice() else { panic!("{} requests", messages.len()) };
    let told = |name: &str| -> Vec<String> {
        let headers = message.headers();
        headers.into_iter().filter(|(other, _)| other == name).map(|(_, value)| value).collect()
    };
    assert_eq!(told("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(told("x-forwarded-host"), [PUBLIC]);
    assert_eq!(told("x-forwarded-proto"), ["https"]);

    // A browser stays with its node: by a cookie, in nginx by its address.
    let first = site.request("GET /oauth2/jwks", "", "");
    let headers = match kind {
        Kind::Envoy => {
            let cookie = first.header("set-cookie").expect("the cookie of the node").to_owned();
            assert!(cookie.starts_with("__Host-edge-node=") && cookie.contains("Secure"), "{cookie}");
            format!("cookie: {}\r\n", cookie.split(';').next().expect("a pair"))
        }
        Kind::Nginx => String::new(),
    };
    let node = site.reached().map(|lines| lines.len());
    for _ in 0..8 {
        site.request("GET /oauth2/jwks", &headers, "");
    }
    let again = site.reached().map(|lines| lines.len());
    assert_eq!(again, node.map(|one| one * 8), "the same node each time");

    let (output, findings) = site.probe(&[]);
    let passed: Vec<_> = findings
        .iter()
        .filter(|finding| !finding["outcome"].as_str().is_some_and(|outcome| outcome.starts_with("refused")))
        .collect();
    assert!(passed.is_empty() && output.status.success(), "{passed:#?}");
    assert!(findings.len() > 90, "{}", findings.len());
    assert_eq!(site.reached().concat(), Vec::<String>::new(), "nothing of it reaches the LAN");
}

/// The example with every rule on: each does in the proxy what it says.
#[test]
fn the_rules_of_the_policy_hold_in_envoy() {
    the_rules_of_the_policy_hold(Kind::Envoy);
}

#[test]
fn the_rules_of_the_policy_hold_in_nginx() {
    the_rules_of_the_policy_hold(Kind::Nginx);
}

fn the_rules_of_the_policy_hold(kind: Kind) {
    let site = Site::of("keycloak-api", ["keycloak1.lan.example.com:8443", "keycloak2.lan.example.com:8443"]);
    let proxy = site.start(kind);
    const OIDC: &str = "/realms/example/protocol/openid-connect";

    // The log is written after the answer: requests are counted, not lines.
    let before = proxy.logged();
    let answer = site.request(&format!("GET {OIDC}/certs"), "", "");
    assert_eq!(answer.status, 200, "{}\n{}", answer.text(), proxy.log());
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("x-robots-tag"), Some("none"));
    assert_eq!(answer.header("x-frame-options"), None, "the session iframe is framed");

    // Management stays closed; a rule that only reports lets the others decide.
    assert_eq!(site.request("GET /admin/", "", "").status, 404);
    assert_eq!(site.request("GET /api/orders?unknown=1", "", "").status, 401);
    assert_eq!(proxy.logged_after(before + 2).reason, "token.authorization.missing");
    assert!(proxy.log().contains("report only, let through"), "{}", proxy.log());
    assert!(proxy.log().contains("endpoint.parameter.unknown"), "{}", proxy.log());

    // Nobody's word counts for an access token.
    let token = "authorization: DPoP a.b.c\r\ndpop: a.b.c\r\n";
    assert_eq!(site.request("GET /api/payments", token, "").status, 401);

    let asked = |client: &str, redirect: &str| {
        format!(
            "GET {OIDC}/auth?response_type=code&client_id={client}&redirect_uri={redirect}&scope=openid&state=abcdefgh\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
        )
    };
    let (own, other) = ("https%3A%2F%2Fshop.example.com%2Fcallback", "https%3A%2F%2Fevil.example%2Fcallback");
    assert_eq!(site.request(&asked("shop", own), "", "").status, 200);
    for line in [asked("shop", other), asked("nobody", own), asked("shop", own).replace("S256", "plain")] {
        assert_eq!(site.request(&line, "", "").status, 400, "{line}");
    }

    // Twenty at once, and then one a second.
    let statuses: Vec<u16> =
        (0..60).map(|_| site.request(&format!("POST {OIDC}/token"), FORM, "a=b").status).collect();
    assert_eq!(statuses.first(), Some(&200));
    assert!(statuses.contains(&429), "{statuses:?}");

    let explained = site.postern(&["explain", "GET /api/orders?unknown=1", "--json"]);
    let explained: Value = serde_json::from_slice(&explained.stdout).expect("JSON");
    assert_eq!(explained["guards"][0]["verdict"], "open", "who asks is not known: {explained}");
    let explained =
        site.postern(&["explain", &format!("GET {OIDC}/certs"), "--client", "192.0.2.66", "--json"]);
    let explained: Value = serde_json::from_slice(&explained.stdout).expect("JSON");
    assert_eq!(explained["guards"][0]["refusal"]["code"], "endpoint.client.denied", "{explained}");
}

/// What explain says without a proxy is what the proxy does.
#[test]
fn explain_and_envoy_agree() {
    explain_and_the_proxy_agree(Kind::Envoy);
}

#[test]
fn explain_and_nginx_agree() {
    explain_and_the_proxy_agree(Kind::Nginx);
}

fn explain_and_the_proxy_agree(kind: Kind) {
    let site = Site::wso2is();
    let proxy = site.start(kind);
    for line in [
        "GET /oauth2/jwks",
        "GET /carbon/admin/login.jsp",
        "GET /samlsso/..;/carbon",
        "GET /samlsso?SAMLRequest=%21",
        "GET /samlsso?SAMLRequest=a&SAMLRequest=b",
        "GET /oauth2/token",
        "GET /authenticationendpoint/login.jsp",
    ] {
        let before = proxy.logged();
        let answer = site.request(line, "", "");
        let logged = proxy.logged_after(before);
        let output = site.postern(&["explain", line, "--json"]);
        let explained: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let refusal = explained["guards"].as_array().and_then(|guards| guards.last()?.get("refusal"));
        match refusal {
            Some(refusal) => {
                assert_eq!(refusal["code"], logged.reason.as_str(), "{line}");
                assert_eq!(refusal["status"], answer.status, "{line}");
                assert_eq!(output.status.code(), Some(3), "{line}");
            }
            None => assert_eq!((answer.status, output.status.code()), (200, Some(0)), "{line}"),
        }
    }
}

#[test]
fn apache_from_the_example_opens_the_list_of_paths() {
    let site = Site::wso2is();
    let folder = text_of(site.folder.path());
    let log = text_of(&site.folder.path().join("error.log"));
    let text = format!(
        "ServerRoot {folder}\nServerName 127.0.0.1\nPidFile {folder}/apache.pid\nDefaultRuntimeDir {folder}\n\
         ErrorLog {log}\n{user}LoadModule mpm_event_module {MODULES}/mod_mpm_event.so\n\
         LoadModule authz_core_module {MODULES}/mod_authz_core.so\n{}",
        site.configuration("apache").replace(" modules/", &format!(" {MODULES}/")),
        user = if rustix::process::getuid().is_root() { "User www-data\nGroup www-data\n" } else { "" },
    );
    let file = site.folder.path().join("apache.conf");
    fs::write(&file, text).expect("a folder to write to");
    let mut command = Command::new(tools::program("apache2", "apache2"));
    command.arg("-X").arg("-f").arg(&file);
    let mut process = Process::start("apache2", &command, &site.folder.path().join("apache.log"));
    process.wait_for_port(site.port);

    for (line, headers, body) in [
        ("GET /samlsso?SAMLRequest=a%2Fb&RelayState=x", "", ""),
        ("POST /oauth2/token", FORM, "a=b"),
        ("GET /oauth2/jwks", "", ""),
        ("GET /authenticationendpoint/libs/themes/theme.min.css", "", ""),
    ] {
        let answer = site.request(line, headers, body);
        let error = fs::read_to_string(&log).unwrap_or_default();
        assert_eq!(answer.status, 200, "{line}: {error}");
    }
    let reached = site.reached().concat();
    // Byte for byte: no escape is refolded.
    assert!(
        reached.contains(&"GET /samlsso?SAMLRequest=a%2Fb&RelayState=x HTTP/1.1".to_owned()),
        "{reached:?}"
    );
    let (_, findings) = site.probe(&["--unmarked"]);
    for finding in findings {
        let entry = finding["entry"].as_str().unwrap_or_default();
        let refused = finding["outcome"].as_str().is_some_and(|outcome| outcome.starts_with("refused"));
        // What Apache is said not to check: parameters, messages, headers that filters look at.
        let is_checked = ["path/", "management/", "framing/"].iter().any(|class| entry.starts_with(class));
        assert!(refused || !is_checked, "{finding}");
    }
}

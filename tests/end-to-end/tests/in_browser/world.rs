//! An installation whose people come from everywhere, two applications, and the browser.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use postern_end_to_end::client::Origin;
use postern_end_to_end::names::Names;
use postern_end_to_end::postern::Postern;
use postern_end_to_end::process::{Process, free_port};
use postern_end_to_end::scratch;
use postern_end_to_end::site::{Site, USER};
use postern_end_to_end::tools;
use postern_vectors::Keys;
use serde_json::{Value, json};

use crate::PROXY;
use crate::providers::{DORA, ELSEWHERE, PARTNER, Providers, SAML};

const NAME: &str = "sso.example.com";
/// The context that the SAML application asks for.
const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

pub(crate) struct World {
    pub(crate) site: Site,
    providers: Providers,
    applications: Applications,
    names: Names,
    folder: PathBuf,
}

/// The demo's. They listen at an address: another site than all of the names.
struct Applications {
    saml_port: u16,
    oidc_port: u16,
    /// Stopped with the test.
    processes: Vec<Process>,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = scratch::folder(env!("CARGO_TARGET_TMPDIR"), &format!("in-browser-{}", PROXY.name()));
        let names = Names::new(&folder, &[NAME, PARTNER, ELSEWHERE, SAML]);
        let (site, (providers, applications)) =
            Site::start_at(PROXY, (NAME, &names), &folder, |postern, base_url| {
                let providers = Providers::start(&folder, &names, base_url);
                configure(postern, &providers);
                providers.hand_over_metadata(&postern.run(&["authenticator", "metadata", "saml-provider"]));
                let applications = Applications::start(postern, &folder, &names, base_url);
                (providers, applications)
            });
        Self { site, providers, applications, names, folder }
    }

    /// Has the browser do what the script of `tests/browser` says.
    pub(crate) fn drive(&self, script: &str) {
        let provider = |name: &str, port: u16| format!("https://{name}:{port}");
        let providers = json!({
            "partner": provider(PARTNER, self.providers.partner.public_port),
            "elsewhere": provider(ELSEWHERE, self.providers.elsewhere_port),
            "saml": provider(SAML, self.providers.saml_port),
            "dora": { "name": DORA.0, "password": DORA.1 },
        });
        let mut certificates = self.providers.certificate_files().to_vec();
        let edge = self.folder.join("edge.pem");
        certificates.push(&edge);
        let certificates: Vec<_> = certificates.iter().map(|file| file.to_string_lossy()).collect();
        let browser = tools::workspace().join("tests/browser");
        tools::existing(browser.join("node_modules"), "cargo xtask tools");
        let mut driver = Command::new(tools::node());
        driver
            .current_dir(browser)
            .arg(format!("src/{script}.js"))
            .env("CHROMIUM", tools::program("chromium", "chromium"))
            .env("SAML_APP", format!("http://127.0.0.1:{}", self.applications.saml_port))
            .env("OIDC_APP", format!("http://127.0.0.1:{}", self.applications.oidc_port))
            .env("IDENTITY_PROVIDER", self.site.base_url())
            .env("EDGE_CERTIFICATE", certificates.join(":"))
            .env("NAMES", self.names.all().join(","))
            .env("PROVIDERS", providers.to_string())
            .env("SCREENSHOTS", self.folder.join("screenshots"))
            .env("USER_NAME", USER.0)
            .env("PASSWORD", USER.1);
        let output = driver.output().expect("node runs");
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            output.status.success(),
            "{}{}\n{}\n{}",
            said(&output.stdout),
            said(&output.stderr),
            self.site.postern.log(),
            self.applications.processes.iter().map(Process::log).collect::<String>()
        );
        print!("{}", said(&output.stdout));
    }

    pub(crate) fn events(&self, name: &str) -> Vec<Value> {
        let mut events = self.site.postern.audit();
        events.retain(|event| event["event"] == name);
        events
    }
}

impl Applications {
    fn start(postern: &Postern, folder: &Path, names: &Names, base_url: &str) -> Self {
        let (saml_port, oidc_port) = (free_port(), free_port());
        let start = |name: &str, port: u16, more: &[(&str, String)]| {
            let application = tools::workspace().join("examples/demo").join(name);
            tools::existing(application.join("node_modules"), "cargo xtask tools");
            let mut command = Command::new(tools::node());
            names.tell(&mut command);
            command.current_dir(application).arg("src/main.js").env("PORT", port.to_string());
            command.env("NODE_EXTRA_CA_CERTS", folder.join("web.pem"));
            for (name, value) in more {
                command.env(name, value);
            }
            let mut process = Process::start(name, &command, &folder.join(format!("{name}.log")));
            process.wait_for_port(port);
            process
        };
        let url = format!("http://127.0.0.1:{oidc_port}");
        let client = json!({ "client_id": "notebook", "redirect_uris": [format!("{url}/callback")],
            "post_logout_redirect_uris": [format!("{url}/signed-out")], "require_pkce": true });
        let secret = postern.add_application("oidc", "Notebook", &client.to_string()).secret;
        let client_secret = ("CLIENT_SECRET", secret.expect("a secret"));
        let client_id = ("CLIENT_ID", "notebook".to_owned());
        let notebook = start("oidc-app", oidc_port, &[("ISSUER", base_url.into()), client_id, client_secret]);

        let key = Keys::shared().get("sp-rsa").expect("a key");
        let (key_file, certificate_file) = (folder.join("sp.key"), folder.join("sp.pem"));
        fs::write(&key_file, key.private_pem()).expect("a folder to write to");
        fs::write(&certificate_file, key.certificate_pem()).expect("a folder to write to");
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let timesheets = start(
            "saml-app",
            saml_port,
            &[
                ("IDP_METADATA", format!("{base_url}/identity/metadata/saml2")),
                ("SP_KEY_FILE", path(&key_file)),
                ("SP_CERTIFICATE_FILE", path(&certificate_file)),
            ],
        );
        let request =
            format!("GET /metadata HTTP/1.1\r\nhost: 127.0.0.1:{saml_port}\r\nconnection: close\r\n\r\n");
        let answer = Origin::plain(saml_port).exchange(request.as_bytes()).expect("metadata");
        postern.add_application("saml2", "Timesheets", &answer.text());
        Self { saml_port, oidc_port, processes: vec![notebook, timesheets] }
    }
}

/// Who is from the partner or the SAML provider gets an account; who is from elsewhere has one and links it, or with
/// `strict` is turned away.
fn configure(postern: &Postern, providers: &Providers) {
    let folder = postern.folder();
    let secret = |name: &str, secret: &str| {
        let file = folder.join(format!("{name}-secret"));
        fs::write(&file, secret).expect("a folder to write to");
        file
    };
    let partner = secret("partner", &providers.partner_secret);
    let elsewhere = secret("elsewhere", providers.elsewhere_secret());
    let partner_host = format!("{PARTNER}:{}", providers.partner.public_port);
    let elsewhere_host = format!("{ELSEWHERE}:{}", providers.elsewhere_port);
    let openid = |name: &str, title: &str, host: &str, secret: &Path, accounts: &str, more: &str| {
        format!(
            "[authenticators.modules.{name}]\ncomponent = \"openid-provider\"\ntitle = \"{title}\"\n\
             redirects = [\"{host}\"]\naccounts = {{ {accounts} }}\n\
             grants = {{ outbound = [\"{host}\"], outbound_networks = [\"127.0.0.0/8\"] }}\n\
             [authenticators.modules.{name}.secrets.client]\nhost = \"{host}\"\nkind = \"basic\"\n\
             username = \"postern\"\nfile = {secret:?}\n\
             [authenticators.modules.{name}.settings]\nissuer = \"https://{host}\"\nclient_id = \"postern\"\n\
             credential = \"client\"\n{more}\n"
        )
    };
    let dora = "unknown = \"create\", username = \"login\", copy = [\"email\", \"name\"]";
    let claims = "userinfo = true\ntrust_unverified = true\n\
                  claims = { email = \"email\", name = \"name\", login = \"email\" }";
    let text = [
        openid("partner", "Partner Ltd", &partner_host, &partner, dora, claims),
        openid("elsewhere", "Elsewhere", &elsewhere_host, &elsewhere, "unknown = \"link\"", ""),
        openid("strict", "Elsewhere, strictly", &elsewhere_host, &elsewhere, "unknown = \"refuse\"", ""),
        format!(
            "[authenticators.modules.saml-provider]\nredirects = [\"{SAML}:{}\"]\n\
             accounts = {{ unknown = \"create\", username = \"uid\", copy = [\"email\"] }}\n\
             [authenticators.modules.saml-provider.settings]\n\
             contexts = {{ \"{PASSWORD}\" = \"{PASSWORD}\" }}\n\
             claims = {{ email = \"urn:oid:0.9.2342.19200300.100.1.3\", uid = \"urn:oid:0.9.2342.19200300.100.1.1\" }}\n\
             metadata = '''{}'''\n",
            providers.saml_port, providers.saml_metadata
        ),
        "[sign_in]\nsteps = [[\"password\", \"elsewhere\"]]\nrealms = { \"partner.test\" = \"partner\", \
         \"elsewhere.test\" = \"elsewhere\", \"strict.test\" = \"strict\", \"saml.test\" = \"saml-provider\" }\n"
            .to_owned(),
        format!("[outbound]\nca = {:?}\n", providers.authorities()),
    ];
    let file = folder.join("postern.toml");
    let before = fs::read_to_string(&file).expect("the configuration");
    let enabled = "enabled = [\"password\", \"partner\", \"elsewhere\", \"strict\", \"saml-provider\"]";
    let before = before.replace("enabled = [\"password\"]", enabled);
    fs::write(&file, format!("{before}\n{}", text.concat())).expect("a folder to write to");
    postern.run(&["check"]);
}

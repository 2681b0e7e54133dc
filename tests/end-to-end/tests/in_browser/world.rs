//! An installation whose people come from everywhere, two applications, and the browser.
use std::fs;
use std::path::Path;
use std::process::Command;

use postern_end_to_end::names::Names;
use postern_end_to_end::postern::Postern;
use postern_end_to_end::scratch;
use postern_end_to_end::site::Site;
use postern_end_to_end::tools;
use serde_json::{Value, json};

use crate::PROXY;
use crate::applications::Applications;
use crate::driver::drive;
use crate::providers::{DORA, ELSEWHERE, PARTNER, Providers, SAML};

pub(crate) const NAME: &str = "sso.example.com";
/// The context that the SAML application asks for.
const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

pub(crate) struct World {
    pub(crate) site: Site,
    providers: Providers,
    applications: Applications,
    names: Names,
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
        Self { site, providers, applications, names }
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
        let mut driver = Command::new(tools::node());
        driver.env("PROVIDERS", providers.to_string());
        drive(
            driver,
            script,
            (&self.site, &self.names),
            &self.applications,
            &self.providers.certificate_files(),
        );
    }

    pub(crate) fn events(&self, name: &str) -> Vec<Value> {
        let mut events = self.site.postern.audit();
        events.retain(|event| event["event"] == name);
        events
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

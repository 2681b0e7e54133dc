//! The providers elsewhere, each at a site of its own.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use postern_end_to_end::certificates::{Authority, Issued};
use postern_end_to_end::names::Names;
use postern_end_to_end::postern::Postern;
use postern_end_to_end::process::{Process, free_port};
use postern_end_to_end::script::Toolkit;
use postern_end_to_end::tools;
use postern_vectors::Keys;
use serde_json::{Value, json};

/// Where each of them is.
pub(crate) const PARTNER: &str = "login.partner.test";
pub(crate) const ELSEWHERE: &str = "op.elsewhere.test";
pub(crate) const SAML: &str = "idp.saml.test";

/// Somebody whom the partner knows.
pub(crate) const DORA: (&str, &str) = ("dora", "a password at the other one");

const SECRET: &str = "a secret: +%&";

pub(crate) struct Providers {
    /// Another Postern, without a proxy in front.
    pub(crate) partner: Postern,
    pub(crate) partner_secret: String,
    pub(crate) elsewhere_port: u16,
    pub(crate) saml_port: u16,
    pub(crate) saml_metadata: String,
    tls: Issued,
    folder: PathBuf,
    _elsewhere: Process,
    _saml: Process,
}

impl Providers {
    /// Starts them, for an installation at this origin.
    pub(crate) fn start(folder: &Path, names: &Names, base_url: &str) -> Self {
        let tls = Authority::new(folder, "outside").issue("providers", &[ELSEWHERE, SAML]);
        let (partner, partner_secret) = partner(folder, names, base_url);
        let (elsewhere_port, saml_port) = (free_port(), free_port());
        let elsewhere = elsewhere(folder, &tls, elsewhere_port, base_url);
        let (saml, saml_metadata) = saml(folder, &tls, saml_port, base_url);
        Self {
            partner,
            partner_secret,
            elsewhere_port,
            saml_port,
            saml_metadata,
            tls,
            folder: folder.into(),
            _elsewhere: elsewhere,
            _saml: saml,
        }
    }

    /// Who issued their certificates, in one file.
    pub(crate) fn authorities(&self) -> PathBuf {
        let file = self.folder.join("outside-authorities.pem");
        let read = |file: &Path| fs::read_to_string(file).expect("a certificate");
        let text = read(&self.folder.join("outside.pem")) + &read(&self.partner.lan.certificate_file());
        fs::write(&file, text).expect("a folder to write to");
        file
    }

    /// The certificates that browsers see.
    pub(crate) fn certificate_files(&self) -> [&Path; 2] {
        [self.partner.certificate_file(), &self.tls.certificate_file]
    }

    /// What the SAML provider is told of us.
    pub(crate) fn hand_over_metadata(&self, metadata: &str) {
        fs::write(self.folder.join("sp-metadata.xml"), metadata).expect("a folder to write to");
    }

    /// The secret that the provider elsewhere knows us by.
    pub(crate) fn elsewhere_secret(&self) -> &'static str {
        SECRET
    }
}

fn partner(folder: &Path, names: &Names, base_url: &str) -> (Postern, String) {
    let mut partner = Postern::alone_at(&folder.join("partner"), PARTNER, names);
    let file = partner.folder().join("postern.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    let open = text
        .lines()
        .map(|line| if line.starts_with("client_ca = ") { "client_certificate = \"off\"" } else { line });
    fs::write(&file, open.collect::<Vec<_>>().join("\n")).expect("a folder to write to");
    partner.add_user(DORA.0, DORA.1);
    let client = json!({
        "client_id": "postern",
        "redirect_uris": [format!("{base_url}/commonauth/return/partner")],
        "token_endpoint_auth_method": "client_secret_basic",
        "scope": "openid profile email",
    });
    let secret = partner.add_application("oidc", "the other Postern", &client.to_string()).secret;
    partner.start();
    (partner, secret.expect("a secret"))
}

fn elsewhere(folder: &Path, tls: &Issued, port: u16, base_url: &str) -> Process {
    let scripts = tools::workspace().join("tests/end-to-end/relying-parties");
    let returns = ["elsewhere", "strict"].map(|name| format!("{base_url}/commonauth/return/{name}"));
    let mut command = Command::new(tools::node());
    command.arg(scripts.join("federated-provider.js")).args([&port.to_string(), SECRET, &returns.join(" ")]);
    command.current_dir(scripts).env("ISSUER", format!("https://{ELSEWHERE}:{port}"));
    command.env("TLS_KEY", &tls.key_file).env("TLS_CERTIFICATE", &tls.certificate_file);
    let mut process = Process::start("federated-provider", &command, &folder.join("elsewhere.log"));
    process.wait_for_port(port);
    process
}

fn saml(folder: &Path, tls: &Issued, port: u16, base_url: &str) -> (Process, String) {
    let key = Keys::shared().get("idp-rsa").expect("a key");
    let (key_file, certificate_file) = (folder.join("idp.key"), folder.join("idp.pem"));
    fs::write(&key_file, key.private_pem()).expect("a folder to write to");
    fs::write(&certificate_file, key.certificate_pem()).expect("a folder to write to");
    let idp = json!({
        "entityId": format!("https://{SAML}/metadata"), "ssoUrl": format!("https://{SAML}:{port}/sso"),
        "xmlsec1": tools::program("xmlsec1", "xmlsec1"), "keyFile": key_file, "certificateFile": certificate_file,
        "spEntityId": format!("{base_url}/commonauth/return/saml-provider"),
    });
    let mut question = idp.clone();
    question["command"] = Value::from("metadata");
    let metadata = Toolkit::Pysaml2Idp.call(&question, &certificate_file).expect("metadata");
    let settings = json!({
        "port": port, "key": tls.key_file, "certificate": tls.certificate_file, "idp": idp,
        "spMetadataFile": folder.join("sp-metadata.xml"),
    });
    let mut command = Command::new(tools::python());
    let scripts = tools::workspace().join("tests/end-to-end/relying-parties");
    command.arg(scripts.join("pysaml2_provider.py")).arg(settings.to_string());
    let mut process = Process::start("pysaml2-provider", &command, &folder.join("saml.log"));
    process.wait_for_port(port);
    (process, metadata["metadata"].as_str().expect("text").to_owned())
}

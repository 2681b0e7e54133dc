//! The demo's two applications.
use std::fs;
use std::path::Path;
use std::process::Command;

use postern_end_to_end::client::Origin;
use postern_end_to_end::names::Names;
use postern_end_to_end::postern::Postern;
use postern_end_to_end::process::{Process, free_port};
use postern_end_to_end::tools;
use postern_vectors::Keys;
use serde_json::json;

/// They listen at an address: another site than all of the names.
pub(crate) struct Applications {
    pub(crate) saml_port: u16,
    pub(crate) oidc_port: u16,
    /// Stopped with the test.
    pub(crate) processes: Vec<Process>,
}

impl Applications {
    /// Registers and starts them.
    pub(crate) fn start(postern: &Postern, folder: &Path, names: &Names, base_url: &str) -> Self {
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

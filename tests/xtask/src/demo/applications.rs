//! The two applications: registered by the command line, started with Node.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::Place;
use super::host::Host;
use super::processes::Processes;
use crate::certificates::Certificates;
use crate::command::output;
use crate::failure::Failure;

const CLIENT_ID: &str = "notebook";

pub(crate) struct Applications<'a> {
    pub(crate) place: &'a Place<'a>,
    pub(crate) certificates: &'a Certificates,
    pub(crate) node: &'a Path,
}

impl Applications<'_> {
    /// The application makes its metadata itself, and the identity provider registers it from that.
    pub(crate) fn start_saml(&self, host: &Host, processes: &mut Processes<'_>) -> Result<(), Failure> {
        let port = self.place.ports.saml_app;
        let mut command = self.application("saml-app", port);
        command
            .env("BASE_URL", self.place.saml_url())
            .env("IDP_METADATA", format!("{}/identity/metadata/saml2", self.place.base_url()))
            .env("SP_KEY_FILE", self.certificates.key("saml-app"))
            .env("SP_CERTIFICATE_FILE", self.certificates.certificate("saml-app"));
        processes.start("saml-app", command, port)?;
        let metadata = self.place.file("timesheets-metadata.xml");
        write(&metadata, &fetch(port, "/metadata")?)?;
        // Metadata does not say what the application is to know of people.
        let attributes = self.place.file("timesheets-attributes.json");
        let mapping = |name: &str, claim: &str| json!({ "name": name, "claim": claim });
        let text = json!({
            "attributes": [
                mapping("displayName", "name"),
                mapping("givenName", "given_name"),
                mapping("sn", "family_name"),
                mapping("mail", "email"),
            ],
        });
        write(&attributes, format!("{text:#}\n").as_bytes())?;
        let mut register = host.command();
        register.args(["app", "add", "saml2", "--name", "Timesheets", "--metadata"]).arg(&metadata);
        register.arg("--with").arg(&attributes);
        output(&mut register).map(drop)
    }

    /// The identity provider registers the application and prints its secret, once.
    pub(crate) fn start_oidc(&self, host: &Host, processes: &mut Processes<'_>) -> Result<(), Failure> {
        let url = self.place.oidc_url();
        let settings = self.place.file("notebook.json");
        let text = json!({
            "client_id": CLIENT_ID,
            "redirect_uris": [format!("{url}/callback")],
            "post_logout_redirect_uris": [format!("{url}/signed-out")],
            "require_pkce": true,
        });
        write(&settings, format!("{text:#}\n").as_bytes())?;
        let mut register = host.command();
        register.args(["app", "add", "oidc", "--name", "Notebook", "--settings"]).arg(&settings);
        let printed = output(&mut register)?;
        let secret = secret(&String::from_utf8_lossy(&printed))
            .ok_or_else(|| Failure::new("`postern app add oidc` printed no client secret"))?;
        let port = self.place.ports.oidc_app;
        let mut command = self.application("oidc-app", port);
        command
            .env("BASE_URL", &url)
            .env("ISSUER", self.place.base_url())
            .env("CLIENT_ID", CLIENT_ID)
            .env("CLIENT_SECRET", secret);
        processes.start("oidc-app", command, port)
    }

    fn application(&self, name: &str, port: u16) -> Command {
        let folder = self.place.workspace.path("examples/demo").join(name);
        let mut command = Command::new(self.node);
        command
            .current_dir(folder)
            .arg("src/main.js")
            .env("PORT", port.to_string())
            .env("NODE_EXTRA_CA_CERTS", self.certificates.certificate("web-ca"));
        command
    }
}

/// The value of the line that names the secret.
fn secret(printed: &str) -> Option<String> {
    printed.lines().find_map(|line| {
        let (name, value) = line.split_once([':', '='])?;
        let name = name.trim().replace([' ', '-'], "_");
        (name == "client_secret").then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(|error| Failure::file("write", path, &error))
}

/// One GET over plain HTTP on this machine.
fn fetch(port: u16, path: &str) -> Result<Vec<u8>, Failure> {
    let mut answer = Vec::new();
    let exchange = |answer: &mut Vec<u8>| {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        write!(stream, "GET {path} HTTP/1.0\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n")?;
        stream.read_to_end(answer)
    };
    exchange(&mut answer).map_err(|error| Failure::new(format!("port {port} does not answer: {error}")))?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    match end {
        Some(end) if answer.starts_with(b"HTTP/1.1 200") => Ok(answer.split_off(end + 4)),
        _ => Err(Failure::new(format!("port {port} refuses {path}: {}", String::from_utf8_lossy(&answer)))),
    }
}

#[cfg(test)]
mod tests {
    use super::secret;

    #[test]
    fn the_secret_is_found_in_what_the_command_prints() {
        let printed = "registered Notebook\nclient_id: notebook\nclient_secret: s3cr-et_\n";
        assert_eq!(secret(printed).as_deref(), Some("s3cr-et_"));
        assert_eq!(secret("client secret = x").as_deref(), Some("x"));
        assert_eq!(secret("registered\n"), None);
    }
}

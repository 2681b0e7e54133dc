//! Keys and certificates, made anew at each start: the web leg (browser to Envoy), the LAN leg
//! (Envoy to the host, both sides with a certificate), and the SAML application's own key.
//!
//! By the `openssl` program rather than a crate: xtask then compiles in seconds, without a
//! cryptographic library.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::output;
use crate::failure::Failure;
use crate::workspace::make_folder;

const DAYS: &str = "30";

pub(crate) struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Two authorities, one for each leg: what browsers trust says nothing in the LAN.
    pub(crate) fn make(folder: &Path) -> Result<Self, Failure> {
        make_folder(folder)?;
        let made = Self { folder: folder.to_owned() };
        made.authority("web-ca", "Postern demo, web")?;
        made.authority("lan-ca", "Postern demo, LAN")?;
        made.leaf("edge", "localhost", "web-ca", "serverAuth", &["localhost"])?;
        made.leaf("host", "postern.lan", "lan-ca", "serverAuth", &["postern.lan", "localhost"])?;
        made.leaf("edge-client", "demo DMZ proxy", "lan-ca", "clientAuth", &["proxy.dmz"])?;
        made.own_key("saml-app", "Timesheets")?;
        Ok(made)
    }

    pub(crate) fn certificate(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.crt"))
    }

    pub(crate) fn key(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.key"))
    }

    fn authority(&self, name: &str, subject: &str) -> Result<(), Failure> {
        self.request(
            name,
            subject,
            "basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash",
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            None,
        )
    }

    fn leaf(
        &self,
        name: &str,
        subject: &str,
        authority: &str,
        usage: &str,
        names: &[&str],
    ) -> Result<(), Failure> {
        let names = alternative_names(names);
        self.request(
            name,
            subject,
            &format!(
                "basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = {usage}
subjectAltName = {names}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid"
            ),
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            Some(authority),
        )
    }

    /// An RSA key that signs SAML requests: its certificate is a container, nobody's trust.
    fn own_key(&self, name: &str, subject: &str) -> Result<(), Failure> {
        self.request(name, subject, "keyUsage = critical, digitalSignature", &["-newkey", "rsa:2048"], None)
    }

    fn request(
        &self,
        name: &str,
        subject: &str,
        extensions: &str,
        key: &[&str],
        authority: Option<&str>,
    ) -> Result<(), Failure> {
        // A file of our own: the system's adds extensions that we did not ask for.
        let settings = self.folder.join(format!("{name}.cnf"));
        let text = format!(
            "[req]
prompt = no
distinguished_name = subject
x509_extensions = extensions
[subject]
CN = {subject}
[extensions]
{extensions}
"
        );
        fs::write(&settings, text).map_err(|error| Failure::file("write", &settings, &error))?;
        let mut openssl = Command::new("openssl");
        openssl
            .args(["req", "-x509", "-noenc", "-sha256", "-days", DAYS])
            .args(key)
            .arg("-config")
            .arg(&settings)
            .arg("-keyout")
            .arg(self.key(name))
            .arg("-out")
            .arg(self.certificate(name));
        if let Some(authority) = authority {
            openssl.arg("-CA").arg(self.certificate(authority)).arg("-CAkey").arg(self.key(authority));
        }
        output(&mut openssl).map_err(|failure| failure.remedy("openssl 3.0 or later is needed"))?;
        Ok(())
    }
}

fn alternative_names(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("DNS:{name}")).collect();
    names.join(", ")
}

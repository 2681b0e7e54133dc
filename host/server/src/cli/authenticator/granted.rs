//! What a component that is tried out may do outside: what the operator says in the configuration, as flags.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use super::Failure;
use crate::config::{AuthenticatorModule, Grants, Outbound, Secret, SecretKind};

#[derive(Args)]
pub(super) struct Granted {
    /// A host that it may call, as in `grants.outbound`; it is called for real. May be given several times.
    #[arg(long, value_name = "HOST[:PORT]")]
    outbound: Vec<String>,
    /// A network that is not public and that such a host may be in, such as 10.1.0.0/16.
    #[arg(long, value_name = "NETWORK", requires = "outbound")]
    outbound_network: Vec<String>,
    /// PEM: who may have issued the certificates of these hosts, instead of whom the system trusts.
    #[arg(long, value_name = "FILE", requires = "outbound")]
    outbound_ca: Option<PathBuf>,
    /// A secret that the host adds to its calls: NAME=FILE for a bearer token of the one host of --outbound, or a
    /// line as in `[authenticators.modules.X.secrets]`. May be given several times.
    #[arg(long, value_name = "NAME=SECRET", requires = "outbound")]
    secret: Vec<String>,
}

impl Granted {
    /// Whether any host may be called.
    pub(super) fn names_hosts(&self) -> bool {
        !self.outbound.is_empty()
    }

    /// The same as sections of the configuration.
    ///
    /// # Errors
    /// A secret that is none.
    pub(super) fn sections(self) -> Result<(AuthenticatorModule, Outbound), Failure> {
        let read = self.secret.iter().map(|text| secret(text, &self.outbound));
        let secrets = read.collect::<Result<_, String>>().map_err(Failure::usage)?;
        let grants =
            Grants { outbound: self.outbound, outbound_networks: self.outbound_network, ..Grants::default() };
        let module = AuthenticatorModule { grants: Some(grants), secrets, ..AuthenticatorModule::default() };
        Ok((module, Outbound { ca: self.outbound_ca }))
    }
}

/// A line of the section's.
#[derive(Deserialize)]
struct Line {
    #[serde(flatten)]
    secrets: std::collections::BTreeMap<String, Secret>,
}

fn secret(text: &str, hosts: &[String]) -> Result<(String, Secret), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("--secret {text:?}: has no `=`"))?;
    let (name, value) = (name.trim(), value.trim());
    if !value.starts_with('{') {
        let [host] = hosts else {
            return Err(format!(
                "--secret {name}: of {} hosts, say which: '{name} = {{ host = \"…\", kind = \"bearer\", file = \
                 \"{value}\" }}'",
                hosts.len()
            ));
        };
        let secret =
            Secret { host: host.clone(), kind: SecretKind::Bearer, username: None, file: value.into() };
        return Ok((name.into(), secret));
    }
    let read: Result<Line, _> = toml::from_str(text);
    let one = read.map_err(|error| format!("--secret {name}: {}", error.message()))?.secrets.pop_first();
    one.ok_or_else(|| format!("--secret {name}: is none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_file_or_a_line_of_the_configuration() {
        let hosts = ["127.0.0.1:3000".to_owned()];
        let (name, read) = secret("api=token.txt", &hosts).unwrap();
        let bearer = Secret {
            host: "127.0.0.1:3000".into(),
            kind: SecretKind::Bearer,
            username: None,
            file: "token.txt".into(),
        };
        assert_eq!((name.as_str(), &read), ("api", &bearer));
        let line = r#"api = { host = "a.example", kind = "basic", username = "me", file = "s" }"#;
        let (name, read) = secret(line, &hosts).unwrap();
        assert_eq!((name.as_str(), read.host.as_str(), read.kind), ("api", "a.example", SecretKind::Basic));
        for (text, hosts) in [
            ("api", &hosts[..]),
            ("api=token.txt", &[]),
            ("api=token.txt", &["a.example".to_owned(), "b.example".to_owned()][..]),
            ("api = { file = \"s\" }", &hosts[..]),
            ("api = { host = \"a\", kind = \"bearer\", file = \"s\", more = 1 }", &hosts[..]),
            ("api = {", &hosts[..]),
        ] {
            assert!(secret(text, hosts).is_err(), "{text}");
        }
    }
}

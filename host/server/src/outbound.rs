//! What authenticators may call, as the configuration says.

use std::collections::BTreeMap;
use std::sync::Arc;

use postern_kernel::clock::Clock;
use postern_kernel::outbound::Outbound;
use postern_outbound::{Authorities, Credential, CredentialKind, HttpOutbound, Policy, SystemResolver};

use crate::config::{AuthenticatorModule, Configuration, Misfit, Secret, SecretKind};
use crate::secret_file;

/// `None`: no authenticator is granted a host.
///
/// # Errors
/// The field that is wrong, or whose file is.
pub(crate) fn outbound(
    configuration: &Configuration,
    clock: Arc<dyn Clock>,
) -> Result<Option<Arc<dyn Outbound>>, Misfit> {
    let mut policies = BTreeMap::new();
    for (name, module) in &configuration.authenticators.modules {
        let policy = policy(module).map_err(|(field, problem)| {
            Misfit::new(&format!("authenticators.modules.{name}.{field}"), problem)
        })?;
        if !policy.hosts.is_empty() {
            policies.insert(name.clone(), policy);
        }
    }
    if policies.is_empty() {
        return Ok(None);
    }
    let authorities = match configuration.outbound.as_ref().and_then(|outbound| outbound.ca.as_ref()) {
        Some(file) => Authorities::of_file(file),
        None => Authorities::of_system(),
    };
    let authorities = authorities.map_err(|error| Misfit::new("outbound.ca", error))?;
    let resolver = Arc::new(SystemResolver::new());
    Ok(Some(Arc::new(HttpOutbound::new(policies, &authorities, resolver, clock))))
}

/// What one authenticator may. With the field of its section that is wrong.
fn policy(module: &AuthenticatorModule) -> Result<Policy, (String, String)> {
    let grants = module.grants.clone().unwrap_or_default();
    let mut policy = Policy::default();
    for host in &grants.outbound {
        let host = host.parse().map_err(|error| ("grants.outbound".into(), format!("{host:?} {error}")))?;
        policy.hosts.push(host);
    }
    for network in &grants.outbound_networks {
        let field = "grants.outbound_networks";
        let network = network.parse().map_err(|error| (field.into(), format!("{network:?} {error}")))?;
        policy.networks.push(network);
    }
    for (name, secret) in &module.secrets {
        let credential = credential(secret, &grants.outbound)
            .map_err(|(field, problem)| (format!("secrets.{name}.{field}"), problem))?;
        policy.credentials.insert(name.clone(), credential);
    }
    Ok(policy)
}

fn credential(secret: &Secret, granted: &[String]) -> Result<Credential, (&'static str, String)> {
    if !granted.contains(&secret.host) {
        return Err(("host", format!("{:?} is not in grants.outbound", secret.host)));
    }
    let host = secret.host.parse().map_err(|error| ("host", format!("{:?} {error}", secret.host)))?;
    let kind = match (secret.kind, &secret.username) {
        (SecretKind::Basic, Some(username)) if !username.is_empty() => CredentialKind::Basic(username),
        (SecretKind::Bearer, None) => CredentialKind::Bearer,
        (SecretKind::Basic, _) => return Err(("username", "is missing, with kind = \"basic\"".into())),
        (SecretKind::Bearer, Some(_)) => {
            return Err(("username", "has no effect with kind = \"bearer\": remove it".into()));
        }
    };
    let text = secret_file::read(&secret.file).map_err(|problem| ("file", problem))?;
    let refused = || ("file", format!("{}: has characters that a header can't have", secret.file.display()));
    Credential::new(host, &kind, &text).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::system::SystemClock;

    /// The field that is refused, when one is.
    fn refused(section: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "a secret\n").unwrap();
        std::fs::write(folder.path().join("split"), "a\r\nb").unwrap();
        std::fs::write(folder.path().join("empty.pem"), "").unwrap();
        let key = rcgen::generate_simple_self_signed(vec!["op.example".to_owned()]).unwrap().cert;
        std::fs::write(folder.path().join("ca.pem"), key.pem()).unwrap();
        let text = format!(
            "base_url = \"https://sso.example.com\"\n[public]\nlisten = \"127.0.0.1:1\"\ncertificate = \"a\"\n\
             key = \"a\"\nclient_ca = \"a\"\n[management]\nlisten = \"127.0.0.1:2\"\ncertificate = \"a\"\n\
             key = \"a\"\n[authenticators]\nenabled = [\"password\", \"badge\"]\n{section}"
        );
        let file = folder.path().join("postern.toml");
        std::fs::write(&file, text).unwrap();
        let configuration = config::load(&file).unwrap_or_else(|error| panic!("{error}"));
        match outbound(&configuration, Arc::new(SystemClock)) {
            Ok(outbound) => {
                assert_eq!(outbound.is_some(), section.contains("outbound = ["));
                None
            }
            Err(misfit) => Some(misfit.field),
        }
    }

    #[test]
    fn what_is_granted_is_written_in_one_way() {
        const MODULE: &str = "[authenticators.modules.badge]\ngrants = ";
        const CA: &str = "[outbound]\nca = \"ca.pem\"\n";
        let granting = |grants: &str, more: &str| format!("{MODULE}{grants}\n{more}\n{CA}");
        let secret = |lines: &str| {
            let table = format!("[authenticators.modules.badge.secrets.api]\n{lines}");
            granting("{ outbound = [\"op.example\"] }", &table)
        };
        assert_eq!(refused(""), None);
        assert_eq!(refused("[outbound]\nca = \"nowhere.pem\"\n"), None, "nobody is granted anything");
        assert_eq!(refused(&granting("{ outbound = [\"op.example\", \"10.0.0.1:8443\"] }", "")), None);
        let good = "host = \"op.example\"\nkind = \"basic\"\nusername = \"a\"\nfile = \"secret\"";
        assert_eq!(refused(&secret(good)), None);
        for (section, field) in [
            (granting("{ outbound = [\"https://op.example\"] }", ""), "grants.outbound"),
            (granting("{ outbound = [\"*.op.example\"] }", ""), "grants.outbound"),
            (
                granting("{ outbound = [\"op.example\"], outbound_networks = [\"10.0.0.1/8\"] }", ""),
                "grants.outbound_networks",
            ),
            (secret(&good.replace("op.example", "evil.example")), "secrets.api.host"),
            (secret(&good.replace("username = \"a\"\n", "")), "secrets.api.username"),
            (secret(&good.replace("basic", "bearer")), "secrets.api.username"),
            (secret(&good.replace("\"secret\"", "\"nowhere\"")), "secrets.api.file"),
            (secret(&good.replace("\"secret\"", "\"split\"")), "secrets.api.file"),
        ] {
            assert_eq!(refused(&section), Some(format!("authenticators.modules.badge.{field}")), "{section}");
        }
        let empty = granting("{ outbound = [\"op.example\"] }", "").replace("ca.pem", "empty.pem");
        assert_eq!(refused(&empty), Some("outbound.ca".into()));
    }
}

//! `postern.toml` of the demo.

use std::path::Path;

use super::Place;
use crate::certificates::Certificates;

/// The file's text. Paths are absolute: it is read from wherever the command runs.
pub(crate) fn text(place: &Place<'_>, certificates: &Certificates) -> String {
    let artefacts = place.workspace.artefacts();
    format!(
        r#"# Written by `cargo xtask demo` at each start.
base_url = {base_url}

[public]
listen = "127.0.0.1:{public}"
certificate = {host_certificate}
key = {host_key}
client_ca = {lan_ca}

[management]
listen = "127.0.0.1:{management}"
certificate = {host_certificate}
key = {host_key}

[modules]
directory = {modules}
enabled = ["saml2", "oidc"]

[authenticators]
directory = {authenticators}
enabled = ["password", "passkey", "totp", "recovery"]

[edge]
listen = "127.0.0.1:{edge}"
certificate = {edge_certificate}
key = {edge_key}
upstream = "127.0.0.1:{public}"
upstream_name = "postern.lan"
upstream_ca = {lan_ca}
client_certificate = {client_certificate}
client_key = {client_key}
filters = {filters}
"#,
        base_url = quoted(&place.base_url()),
        public = place.ports.public,
        management = place.ports.management,
        edge = place.ports.edge,
        host_certificate = path(&certificates.certificate("host")),
        host_key = path(&certificates.key("host")),
        lan_ca = path(&certificates.certificate("lan-ca")),
        edge_certificate = path(&certificates.certificate("edge")),
        edge_key = path(&certificates.key("edge")),
        client_certificate = path(&certificates.certificate("edge-client")),
        client_key = path(&certificates.key("edge-client")),
        modules = path(&artefacts.join("components")),
        authenticators = path(&artefacts.join("authenticators")),
        filters = path(&artefacts.join("filters")),
    )
}

fn path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        assert_eq!(quoted(r#"/a "b"\c"#), r#""/a \"b\"\\c""#);
    }
}

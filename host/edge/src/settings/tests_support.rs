//! Policies for tests.

use std::path::Path;

use super::{Built, parse};

pub(crate) const NOW: u64 = 1_790_000_000;

pub(crate) const METADATA: &[u8] = include_bytes!("../../../../examples/edge/relying-parties/timesheets.xml");

/// The rest of every file.
pub(crate) const COMMON: &str = r#"hosts = ["sso.example.com"]
[listen]
address = "127.0.0.1:443"
certificate = "/etc/envoy/sso.crt"
key = "/etc/envoy/sso.key"
[upstream]
nodes = ["10.0.0.1:9443"]
server_name = "idp.lan"
ca = "/etc/envoy/lan-ca.crt"
"#;

pub(crate) fn open(path: &Path) -> Result<Vec<u8>, String> {
    match path.file_name().and_then(|name| name.to_str()) {
        Some("edge.secret") => Ok(b"of the edge\n".to_vec()),
        Some("timesheets.xml") => Ok(METADATA.to_vec()),
        Some("postern-export.json") => {
            Ok(br#"{"endpoints":[{"path":"/samlsso","methods":["GET"]}],"assets":[]}"#.to_vec())
        }
        Some("postern-export-feed.json") => Ok(format!(
            r#"{{"endpoints":[{{"path":"/samlsso","methods":["GET"]}}],"assets":[],"feed":{{
            "cluster":"any","authority":"sso.example.com","issuer":"https://sso.example.com","keys":{},
            "in_force":{{"sequence":7,"digest":"d"}},"interval_seconds":5}}}}"#,
            key_set("one", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc")
        )
        .into_bytes()),
        Some("other-node.json") => {
            Ok(key_set("other", "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg").into_bytes())
        }
        _ => Err("no such file".into()),
    }
}

/// A public key that nobody has: its coordinates are one number twice.
fn key_set(key_id: &str, coordinate: &str) -> String {
    format!(
        r#"{{"keys":[{{"kty":"EC","crv":"P-256","kid":"{key_id}","x":"{coordinate}","y":"{coordinate}"}}]}}"#
    )
}

/// The policy of a file with this beginning and these sections.
pub(crate) fn built(beginning: &str, sections: &str) -> Built {
    let text = format!("{beginning}{COMMON}{sections}");
    parse(&text, NOW, &open).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"))
}

/// Its problems, as `line:column: field: message`.
pub(crate) fn problems(text: &str) -> Vec<String> {
    match parse(text, NOW, &open) {
        Ok(_) => Vec::new(),
        Err(problems) => problems
            .into_iter()
            .map(|problem| {
                format!("{}:{}: {}: {}", problem.line, problem.column, problem.field, problem.message)
            })
            .collect(),
    }
}

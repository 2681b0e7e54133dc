//! Policies for tests.

use std::path::Path;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

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
        Some("postern-export-headers.json") => Ok(br#"{"endpoints":[{"path":"/samlsso","methods":["GET"]}],
            "assets":[],"policy_headers":["x-country"]}"#
            .to_vec()),
        Some("postern-export-feed.json") => Ok(format!(
            r#"{{"endpoints":[{{"path":"/samlsso","methods":["GET"]}}],"assets":[],"feed":{{
            "cluster":"any","authority":"sso.example.com","issuer":"https://sso.example.com","keys":{},
            "in_force":{{"sequence":7,"digest":"d"}},"interval_seconds":5}}}}"#,
            key_set("one", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc")
        )
        .into_bytes()),
        Some("partner.xml") => Ok(metadata_of_an_identity_provider().into_bytes()),
        // The certificate of the service provider: any will do.
        Some("partner.crt") => {
            Ok(format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", certificate())
                .into_bytes())
        }
        Some("other-node.json") => {
            Ok(key_set("other", "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg").into_bytes())
        }
        _ => Err("no such file".into()),
    }
}

/// A certificate of a peer, base64: the same each time.
pub(crate) fn certificate() -> String {
    static MADE: OnceLock<String> = OnceLock::new();
    let make = || {
        let made = rcgen::generate_simple_self_signed(["partner.example".to_owned()]).unwrap();
        BASE64_STANDARD.encode(made.cert.der())
    };
    MADE.get_or_init(make).clone()
}

fn metadata_of_an_identity_provider() -> String {
    format!(
        "<md:EntityDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata' \
         xmlns:ds='http://www.w3.org/2000/09/xmldsig#' entityID='https://idp.partner.example/metadata'>\
         <md:IDPSSODescriptor protocolSupportEnumeration='urn:oasis:names:tc:SAML:2.0:protocol'>\
         <md:KeyDescriptor use='signing'><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate>\
         </ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService \
         Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect' \
         Location='https://idp.partner.example/sso'/></md:IDPSSODescriptor></md:EntityDescriptor>",
        certificate()
    )
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

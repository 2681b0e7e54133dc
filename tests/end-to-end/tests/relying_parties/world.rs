//! One site for all tests, with every relying party registered.
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_end_to_end::postern::{Application, Postern};
use postern_end_to_end::process::free_port;
use postern_end_to_end::scratch;
use postern_end_to_end::script::Toolkit;
use postern_end_to_end::site::Site;
use postern_end_to_end::tools;
use postern_vectors::Keys;
use serde_json::{Value, json};

use crate::PROXY;

/// The key of every SAML service provider here.
pub(crate) const SP_KEY: &str = "sp-rsa";
/// Where SAML toolkits say they listen: nobody does, the test hands over what would arrive.
pub(crate) const SP: &str = "http://127.0.0.1:1";

pub(crate) struct World {
    pub(crate) site: Site,
    pub(crate) applications: Applications,
    folder: PathBuf,
}

pub(crate) struct Applications {
    pub(crate) clients: Vec<(Value, Application)>,
    pub(crate) mellon_port: u16,
    pub(crate) openidc_port: u16,
    pub(crate) openidc: Application,
}

/// Started by the first test that asks for it.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let folder =
            scratch::folder(env!("CARGO_TARGET_TMPDIR"), &format!("relying-parties-{}", PROXY.name()));
        write_sp_key(&folder);
        let (site, applications) = Site::start(PROXY, &folder, "", |postern, _| register(postern, &folder));
        World { site, applications, folder }
    })
}

impl World {
    /// The certificates of the identity provider's metadata, base64 of the DER.
    pub(crate) fn idp_certificates(&self) -> Vec<String> {
        let metadata = self.site.fetch("/identity/metadata/saml2");
        let mut certificates: Vec<String> = Vec::new();
        for part in metadata.split("X509Certificate>").skip(1).step_by(2) {
            let text: String = part.split('<').next().unwrap_or_default().split_whitespace().collect();
            if !certificates.contains(&text) {
                certificates.push(text);
            }
        }
        assert!(!certificates.is_empty(), "{metadata}");
        certificates
    }

    pub(crate) fn idp_entity_id(&self) -> String {
        format!("{}/identity/metadata/saml2", self.site.base_url())
    }

    /// What a SAML toolkit has to know for a command.
    pub(crate) fn saml_input(&self, name: &str, command: &str, more: Value) -> Value {
        // A file for each call: tests run beside each other, and would read what another one half wrote.
        static CALLS: AtomicU32 = AtomicU32::new(0);
        let mut input = sp_input(&self.folder, name, command);
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        let metadata_file = self.folder.join(format!("idp-metadata-{call}.xml"));
        fs::write(&metadata_file, self.site.fetch("/identity/metadata/saml2")).expect("a folder to write to");
        merge(
            &mut input,
            json!({
                "idpMetadataFile": metadata_file,
                "idpEntityId": self.idp_entity_id(),
                "idpCertificates": self.idp_certificates(),
                "entryPoint": format!("{}/samlsso", self.site.base_url()),
            }),
        );
        merge(&mut input, more);
        input
    }

    /// Has a toolkit do a command.
    pub(crate) fn call(&self, toolkit: Toolkit, input: &Value) -> Result<Value, String> {
        toolkit.call(input, &self.site.web.certificate_file())
    }

    pub(crate) fn sp_key_files(&self) -> (PathBuf, PathBuf) {
        (self.folder.join("sp.key"), self.folder.join("sp.pem"))
    }
}

fn sp_input(folder: &Path, name: &str, command: &str) -> Value {
    json!({
        "command": command,
        "entityId": format!("{SP}/{name}"),
        "acsUrl": format!("{SP}/{name}/acs"),
        "keyFile": folder.join("sp.key"),
        "certificateFile": folder.join("sp.pem"),
        "xmlsec1": tools::program("xmlsec1", "xmlsec1"),
        "wantAssertionsSigned": !name.ends_with("-response"),
        "wantResponseSigned": !name.ends_with("-assertion"),
    })
}

pub(crate) fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!("an object was expected") };
    into.as_object_mut().expect("an object").extend(more);
}

fn write_sp_key(folder: &Path) {
    let key = Keys::shared().get(SP_KEY).expect("the key");
    fs::write(folder.join("sp.key"), key.private_pem()).expect("a folder to write to");
    fs::write(folder.join("sp.pem"), key.certificate_pem()).expect("a folder to write to");
}

fn register(postern: &Postern, folder: &Path) -> Applications {
    // From the metadata that the toolkits make themselves.
    for (toolkit, name) in
        [(Toolkit::Pysaml2, "pysaml2-assertion"), (Toolkit::NodeSaml, "node-saml-assertion")]
    {
        let made = toolkit.call(&sp_input(folder, name, "metadata"), Path::new("")).expect("metadata");
        postern.add_application("saml2", name, made["metadata"].as_str().expect("text"));
    }
    // What metadata can't say: that the response is signed, too.
    for name in ["pysaml2-response", "pysaml2-both", "node-saml-response", "node-saml-both"] {
        postern.add_application("saml2", name, &saml_registration(name).to_string());
    }
    let (mellon_port, openidc_port) = (free_port(), free_port());
    postern.add_application("saml2", "mellon", &mellon_metadata(mellon_port));
    let openidc = json!({
        "client_id": "mod-auth-openidc",
        "redirect_uris": [format!("http://127.0.0.1:{openidc_port}/protected/callback")],
        "require_pkce": true,
    });
    Applications {
        clients: clients().into_iter().map(|client| register_client(postern, client)).collect(),
        mellon_port,
        openidc_port,
        openidc: postern.add_application("oidc", "mod_auth_openidc", &openidc.to_string()),
    }
}

pub(crate) fn saml_registration(name: &str) -> Value {
    let key = Keys::shared().get(SP_KEY).expect("the key");
    json!({
        "entity_id": format!("{SP}/{name}"),
        "assertion_consumer_services": [{ "url": format!("{SP}/{name}/acs") }],
        "signing_keys": [STANDARD.encode(key.spki())],
        "requires_signed_requests": true,
        "signs": name.rsplit('-').next(),
        "idp_initiated": { "allowed": true, "targets": [format!("{SP}/{name}/welcome")] },
        "attributes": [{ "claim": "email", "name": "mail" }],
    })
}

fn mellon_metadata(port: u16) -> String {
    let base = format!("http://127.0.0.1:{port}");
    let certificate = STANDARD.encode(Keys::shared().get(SP_KEY).expect("the key").certificate());
    format!(
        r#"<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{base}/mellon/metadata"><SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor><AssertionConsumerService index="0" isDefault="true" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{base}/mellon/postResponse"/></SPSSODescriptor></EntityDescriptor>"#
    )
}

pub(crate) fn mellon_metadata_of(port: u16) -> String {
    mellon_metadata(port)
}

/// One client for each way to authenticate, each with another algorithm for its ID tokens.
fn clients() -> Vec<Value> {
    let key: Value =
        serde_json::from_str(&Keys::shared().get("client-ec").expect("the key").jwk()).expect("a JWK");
    let client = |id: &str, method: &str, algorithm: &str| {
        json!({
            "client_id": id,
            "redirect_uris": [format!("http://127.0.0.1:1/{id}/callback")],
            "post_logout_redirect_uris": [format!("http://127.0.0.1:1/{id}/bye")],
            "token_endpoint_auth_method": method,
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid profile email offline_access",
            "id_token_signed_response_alg": algorithm,
            "access_token_signed_response_alg": algorithm,
        })
    };
    let mut with_key = client("client-jwt", "private_key_jwt", "RS256");
    merge(&mut with_key, json!({ "jwks": { "keys": [key] } }));
    vec![
        client("client-none", "none", "RS256"),
        client("client-basic", "client_secret_basic", "ES256"),
        client("client-post", "client_secret_post", "EdDSA"),
        with_key,
    ]
}

fn register_client(postern: &Postern, client: Value) -> (Value, Application) {
    let name = client["client_id"].as_str().expect("text").to_owned();
    let application = postern.add_application("oidc", &name, &client.to_string());
    (client, application)
}

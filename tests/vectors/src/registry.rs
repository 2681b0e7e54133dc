//! What stands while the vectors are judged: who is registered, and which endpoints there are.
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::keys::Keys;
use crate::template::Values;

/// One application.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// The module: `saml2`, `oidc`.
    pub module: String,
    /// What people call it.
    pub name: String,
    /// The SAML entity ID or the OAuth client_id.
    pub identifier: String,
    /// The secret that the kernel keeps a hash of, when there is one.
    pub secret: Option<String>,
    /// JSON in the shape that the module's `register` returns.
    pub settings: serde_json::Value,
}

/// The standard registry: `registry/*.json`, with its placeholders replaced.
///
/// # Panics
/// When a file is not a registration.
pub fn registry(keys: &Keys, base_url: &str) -> Vec<Registration> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("registry");
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display())).path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"));
            let parts = BTreeMap::new();
            let text = Values::new(&name, keys, 0, base_url, 0, &parts).expand(&text);
            serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
        })
        .collect()
}

/// The policy of the endpoint filter, JSON: `endpoint-policy.json` with its placeholders replaced.
///
/// # Panics
/// When the file can't be read.
pub fn endpoint_policy(base_url: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("endpoint-policy.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let parts = BTreeMap::new();
    Values::new("endpoint-policy.json", Keys::shared(), 0, base_url, 0, &parts).expand_text(&text)
}

/// What a SAML decoder is configured with besides its registered service providers, JSON: the member of
/// that name in `saml-decoder.json`, with its placeholders replaced.
///
/// # Panics
/// When the file can't be read, or has no such member.
pub fn decoder_members(name: &str, base_url: &str) -> serde_json::Map<String, serde_json::Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("saml-decoder.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let parts = BTreeMap::new();
    let text = Values::new("saml-decoder.json", Keys::shared(), 0, base_url, 0, &parts).expand(&text);
    let file: serde_json::Value = serde_json::from_slice(&text).expect("saml-decoder.json is JSON");
    let members = file.get(name).and_then(serde_json::Value::as_object);
    members.unwrap_or_else(|| panic!("saml-decoder.json has no {name}")).clone()
}

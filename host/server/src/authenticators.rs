//! From an authenticator's file to one that is granted what the operator says.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use postern_kernel::authenticator::AuthenticatorModule as _;
use postern_kernel::capability::Capability;
use postern_kernel::flow::EnabledAuthenticator;
use postern_manifest::{Asked, Manifest, Schema};
use postern_sandbox::{ComponentAuthenticator, Limits, LoadError, Sandbox};
use sha2::{Digest as _, Sha256};

use crate::config::{AuthenticatorModule, Configuration, Grants};

/// What those that come along need. The operator's own `grants` take the place of these.
const SHIPPED: [(&str, &[Capability]); 8] = [
    ("password", &[Capability::Accounts]),
    ("certificate", &[Capability::Credentials]),
    ("email-code", &[Capability::Messages]),
    ("kerberos", &[Capability::Kerberos]),
    ("passkey", &[Capability::Credentials]),
    ("recovery", &[Capability::Credentials]),
    ("saml-provider", &[Capability::OwnKeys]),
    ("totp", &[Capability::Credentials]),
];

/// Why an authenticator is not taken, in one line that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {code}: {problem}", path = .path.display())]
pub(crate) struct NotTaken {
    path: PathBuf,
    pub(crate) code: &'static str,
    problem: String,
}

impl NotTaken {
    pub(crate) fn new(path: &Path, code: &'static str, problem: String) -> Self {
        Self { path: path.into(), code, problem }
    }
}

/// The file of the authenticator.
pub(crate) fn file(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.wasm"))
}

/// The manifest beside it, for a component that does not carry its own.
pub(crate) fn manifest_file(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.toml"))
}

/// Loads the authenticator `name` as the configuration says.
///
/// # Errors
/// What is wrong with the file, or the line that the configuration lacks.
pub(crate) async fn load(
    sandbox: &Sandbox,
    configuration: &Configuration,
    name: &str,
) -> Result<EnabledAuthenticator, NotTaken> {
    let authenticators = &configuration.authenticators;
    let component_name = authenticators.component_of(name);
    let path = file(&authenticators.directory, component_name);
    let refused = |code: &'static str, problem: String| NotTaken { path: path.clone(), code, problem };
    let module = authenticators.modules.get(name).cloned().unwrap_or_default();
    let bytes =
        std::fs::read(&path).map_err(|error| refused("authenticator.file.unreadable", error.to_string()))?;
    if let Some(expected) = &module.sha256 {
        let found = hexadecimal(&Sha256::digest(&bytes));
        if *expected != found {
            let problem =
                format!("the file has {found}, and authenticators.modules.{name}.sha256 is {expected}");
            return Err(refused("authenticator.digest.mismatch", problem));
        }
    }
    let manifest = manifest(&authenticators.directory, component_name, &bytes)
        .map_err(|(code, problem)| refused(code, problem))?;
    let granted = granted(component_name, &module);
    let limits = limits(&module, &granted);
    let loaded = sandbox.load_granted(name, bytes, limits, &granted).await;
    let component = loaded.map_err(|error| refused(error.code(), advice(name, &error)))?;
    if configuration.mail.is_none() && component.capabilities().contains(&Capability::Messages) {
        let problem = "it sends messages, and there is no [mail] to send them with".to_owned();
        return Err(refused("authenticator.mail.missing", problem));
    }
    if configuration.kerberos.is_none() && component.capabilities().contains(&Capability::Kerberos) {
        let problem = "it has tickets judged, and there is no [kerberos] to judge them with".to_owned();
        return Err(refused("authenticator.kerberos.missing", problem));
    }
    let description = component.description();
    if description.name != component_name {
        let other = &description.name;
        let problem = format!("it is the authenticator {other:?}: name the file and the entry {other:?}");
        return Err(refused("authenticator.name.mismatch", problem));
    }
    if let Some(manifest) = manifest {
        manifest_holds(name, &manifest, &component, module.grants.as_ref())
            .map_err(|(code, problem)| refused(code, problem))?;
    }
    let settings = settings(module.settings.as_ref().or(authenticators.settings.get(name)));
    judge(&description.settings_schema, &settings).map_err(|(code, problem)| refused(code, problem))?;
    let component = component.named(name, module.title.as_deref());
    let enabled = EnabledAuthenticator::new(Arc::new(component), settings.to_string());
    let accounts = module.accounts.map(Into::into).unwrap_or_default();
    let readable = module.grants.map(|grants| grants.directory).unwrap_or_default();
    Ok(EnabledAuthenticator { redirects: module.redirects, accounts, readable, ..enabled })
}

/// The manifest that the component carries, or the one beside it.
fn manifest(
    directory: &Path,
    name: &str,
    component: &[u8],
) -> Result<Option<Manifest>, (&'static str, String)> {
    let failed = |error: postern_manifest::ManifestError| (error.code(), without_code(&error.to_string()));
    // What is no component the sandbox refuses, by a reason of its own.
    let carried = postern_manifest::find(component).unwrap_or_default();
    let path = manifest_file(directory, name);
    let beside = match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(("authenticator.file.unreadable", format!("{}: {error}", path.display()))),
    };
    match (carried, beside.as_deref()) {
        (Some(_), Some(_)) => {
            let problem = format!("the component carries one, and there is {}: remove that", path.display());
            Err(("authenticator.manifest.twice", problem))
        }
        (Some(bytes), None) | (None, Some(bytes)) => Manifest::read(bytes).map(Some).map_err(failed),
        (None, None) => Ok(None),
    }
}

/// What the configuration grants.
fn granted(name: &str, module: &AuthenticatorModule) -> Vec<Capability> {
    let Some(grants) = &module.grants else {
        let shipped = SHIPPED.iter().find(|(shipped, _)| *shipped == name);
        return shipped.map(|(_, needs)| needs.to_vec()).unwrap_or_default();
    };
    let Grants { accounts, credentials, messages, own_keys, kerberos, directory, outbound, .. } = grants;
    let each = [
        (Capability::Accounts, *accounts),
        (Capability::Credentials, *credentials),
        (Capability::Messages, *messages),
        (Capability::OwnKeys, *own_keys),
        (Capability::Kerberos, *kerberos),
        (Capability::Directory, !directory.is_empty()),
        (Capability::Outbound, !outbound.is_empty()),
    ];
    each.into_iter().filter_map(|(capability, granted)| granted.then_some(capability)).collect()
}

/// Whoever calls hosts outside has the time for two that do not answer. A request ends after thirty seconds.
const CALLING_OUTSIDE: Duration = Duration::from_secs(25);

fn limits(module: &AuthenticatorModule, granted: &[Capability]) -> Limits {
    let mut limits = Limits::default();
    if granted.contains(&Capability::Outbound) {
        limits.call = CALLING_OUTSIDE;
    }
    let memory = module.memory_mib.and_then(|size| usize::try_from(size).ok()).map(|size| size << 20);
    Limits { memory: memory.unwrap_or(limits.memory), ..limits }
}

/// The error, with the line to add when that is all that it needs.
fn advice(name: &str, error: &LoadError) -> String {
    let problem = without_code(&error.to_string());
    match error {
        LoadError::Ungranted(missing) => format!("{problem}; {}", grant_lines(name, missing)),
        LoadError::World(detail) if detail.contains("bytes of memory") => {
            format!("{problem}; [authenticators.modules.{name}] memory_mib = 64 gives it more")
        }
        _ => problem,
    }
}

/// What the operator writes to grant these.
pub(crate) fn grant_lines(name: &str, capabilities: &[Capability]) -> String {
    let grants: Vec<String> = capabilities.iter().map(|capability| capability.grant()).collect();
    format!("to grant it: [authenticators.modules.{name}] grants = {{ {} }}", grants.join(", "))
}

/// The manifest tells the truth, and the hosts and claims that it asks for are granted.
fn manifest_holds(
    name: &str,
    manifest: &Manifest,
    component: &ComponentAuthenticator,
    grants: Option<&Grants>,
) -> Result<(), (&'static str, String)> {
    tells_the_truth(manifest, component)?;
    let Asked { outbound, directory, .. } = &manifest.capabilities;
    for (code, grant, asked, granted) in [
        ("authenticator.host.ungranted", "outbound", outbound, grants.map(|grants| &grants.outbound)),
        ("authenticator.attribute.ungranted", "directory", directory, grants.map(|grants| &grants.directory)),
    ] {
        let is_granted = |one: &String| granted.is_some_and(|granted| granted.contains(one));
        let missing: Vec<_> = asked.iter().filter(|one| !is_granted(one)).cloned().collect();
        if !missing.is_empty() {
            let line = format!("[authenticators.modules.{name}] grants.{grant} = {asked:?}");
            return Err((code, format!("it asks for {}; to grant it: {line}", missing.join(", "))));
        }
    }
    Ok(())
}

/// The manifest says what is so.
pub(crate) fn tells_the_truth(
    manifest: &Manifest,
    component: &ComponentAuthenticator,
) -> Result<(), (&'static str, String)> {
    const MISMATCH: &str = "authenticator.manifest.mismatch";
    let description = component.description();
    for (what, said, is) in
        [("id", &manifest.id, &description.name), ("version", &manifest.version, &description.version)]
    {
        if said != is {
            return Err((MISMATCH, format!("{what} is {said:?} in the manifest and {is:?} in describe")));
        }
    }
    let asked = asked(&manifest.capabilities);
    if let Some(more) = component.capabilities().iter().find(|capability| !asked.contains(capability)) {
        return Err((MISMATCH, format!("it imports {more}, which its manifest does not ask for")));
    }
    Ok(())
}

/// The same as capabilities.
fn asked(asked: &Asked) -> Vec<Capability> {
    let Asked { accounts, credentials, messages, own_keys, kerberos, directory, outbound } = asked.clone();
    let grants = Grants {
        accounts,
        credentials,
        messages,
        own_keys,
        kerberos,
        directory,
        outbound,
        ..Grants::default()
    };
    granted("", &AuthenticatorModule { grants: Some(grants), ..AuthenticatorModule::default() })
}

pub(crate) fn settings(table: Option<&toml::Table>) -> serde_json::Value {
    let empty = || serde_json::Value::Object(serde_json::Map::new());
    table.map_or_else(empty, |table| serde_json::to_value(table).unwrap_or_else(|_| empty()))
}

pub(crate) fn judge(schema: &str, settings: &serde_json::Value) -> Result<(), (&'static str, String)> {
    let schema = Schema::read(schema)
        .map_err(|error| ("authenticator.schema.unsupported", without_code(&error.to_string())))?;
    schema
        .judge(settings)
        .map_err(|error| ("authenticator.settings.invalid", without_code(&error.to_string())))
}

/// Messages of errors begin with their code, which is said once.
pub(crate) fn without_code(message: &str) -> String {
    message.split_once(": ").map_or(message, |(_, problem)| problem).to_owned()
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! From a policy's file to one that decides.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use postern_kernel::flow::{EnabledPolicy, Policies};
use postern_kernel::policy::PolicyModule as _;
use postern_sandbox::{ComponentPolicy, Limits, Sandbox};
use sha2::{Digest as _, Sha256};

use crate::authenticators::{NotTaken, hexadecimal, judge, settings, without_code};
use crate::config::Configuration;

/// The file of the policy.
pub(crate) fn file(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.wasm"))
}

/// Loads the policies that `[sign_in]` names. One that does not load is not left out: without it people would
/// sign in by weaker rules than the operator's.
///
/// # Errors
/// What is wrong with a file or with its settings.
pub(crate) async fn load(sandbox: &Sandbox, configuration: &Configuration) -> Result<Policies, NotTaken> {
    let sign_in = &configuration.sign_in;
    let mut policies = Policies {
        everywhere: sign_in.policy.clone(),
        by_application: sign_in.policy_for.clone(),
        claims: sign_in.policy_claims.clone(),
        headers: sign_in.policy_headers.clone(),
        ..Policies::default()
    };
    for (name, networks) in &sign_in.networks {
        // What is no network was refused with its line when the file was read.
        let networks = networks.iter().filter_map(|text| text.parse().ok());
        policies.networks.insert(name.clone(), networks.collect());
    }
    for name in sign_in.policies() {
        policies.enabled.insert(name.clone(), load_one(sandbox, configuration, name).await?);
    }
    Ok(policies)
}

async fn load_one(
    sandbox: &Sandbox,
    configuration: &Configuration,
    name: &str,
) -> Result<EnabledPolicy, NotTaken> {
    let path = file(&configuration.policies.directory, name);
    let refused = |code: &'static str, problem: String| NotTaken::new(&path, code, problem);
    let policy = configuration.policies.modules.get(name).cloned().unwrap_or_default();
    let bytes = std::fs::read(&path).map_err(|error| refused("policy.file.unreadable", error.to_string()))?;
    if let Some(expected) = &policy.sha256 {
        let found = hexadecimal(&Sha256::digest(&bytes));
        if *expected != found {
            let problem = format!("the file has {found}, and policies.modules.{name}.sha256 is {expected}");
            return Err(refused("policy.digest.mismatch", problem));
        }
    }
    let component = component(sandbox, name, bytes, policy.memory_mib).await;
    let component = component.map_err(|(code, problem)| refused(code, problem))?;
    let description = component.description();
    if description.name != name {
        let other = &description.name;
        let problem = format!("it is the policy {other:?}: name the file and the entry {other:?}");
        return Err(refused("policy.name.mismatch", problem));
    }
    let settings = settings(policy.settings.as_ref());
    judge(&description.settings_schema, &settings).map_err(|(code, problem)| match code {
        "authenticator.schema.unsupported" => refused("policy.schema.unsupported", problem),
        _ => refused("policy.settings.invalid", problem),
    })?;
    Ok(EnabledPolicy {
        settings: settings.to_string(),
        module: Arc::new(component),
        may_relax: policy.may_relax,
    })
}

/// Loads the bytes; reason code and problem when they are no policy.
pub(crate) async fn component(
    sandbox: &Sandbox,
    name: &str,
    bytes: Vec<u8>,
    memory_mib: Option<u32>,
) -> Result<ComponentPolicy, (&'static str, String)> {
    let limits = Limits::default();
    let memory = memory_mib.and_then(|size| usize::try_from(size).ok()).map(|size| size << 20);
    let limits = Limits { memory: memory.unwrap_or(limits.memory), ..limits };
    let loaded = sandbox.load_policy(name, bytes, limits).await;
    loaded.map_err(|error| (error.code(), without_code(&error.to_string())))
}

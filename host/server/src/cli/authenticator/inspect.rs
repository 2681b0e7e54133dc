//! `postern authenticator inspect`

use std::path::PathBuf;

use clap::Args;
use postern_kernel::authenticator::{AuthenticatorModule as _, Description, Factor};
use postern_kernel::capability::Capability;
use postern_manifest::{Asked, Schema};
use postern_sandbox::Limits;
use serde_json::json;

use super::{Failure, Loaded, load, plain, say, say_problems, texts};
use crate::authenticators::grant_lines;

/// Prints what an authenticator is, what it may do when it is granted what it asks for, and whether it keeps
/// to the contract.
#[derive(Args)]
#[command(after_help = "\
Examples:
  postern authenticator inspect pin.wasm
  postern authenticator inspect pin.wasm --json | jq .capabilities

Exit codes: 0 it keeps to the contract; 1 it does not, or can't be loaded.")]
pub(crate) struct Inspect {
    /// The component.
    file: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let loaded = load(&self.file, None).await?;
        let problems = problems(&loaded)?;
        if self.json {
            say(format!("{:#}", as_json(&loaded, &problems)));
        } else {
            self.print(&loaded, &problems);
        }
        if problems.is_empty() { Ok(()) } else { Err(Failure::quiet(1)) }
    }

    fn print(&self, loaded: &Loaded, problems: &[String]) {
        let Loaded { component, manifest, size } = loaded;
        let description = component.description();
        let line = |name: &str, value: &str| say(format!("{name:12} {}", plain(value)));
        line("name", &format!("{} {}", description.name, description.version));
        line("file", &format!("{}, {}", self.file.display(), kib(*size)));
        line("sha256", component.digest());
        line("contract", "postern:idp/authenticator 0.1.0");
        line("imports", &some(component.imports().to_vec()));
        for capability in component.capabilities() {
            line("may", what(*capability));
        }
        if component.capabilities().is_empty() {
            line("may", "ask people, and read clock and randomness: nothing has to be granted");
        } else {
            line("grant", &grant_lines(&description.name, component.capabilities()));
        }
        let kind = if description.identifies {
            "finds out who somebody is"
        } else {
            "confirms a person who is known"
        };
        let set_up = if description.enrols { "; people set it up themselves" } else { "" };
        line("kind", &format!("{kind}{set_up}"));
        line("factors", &factors(description).join(", "));
        line("methods", &some(description.methods.clone()));
        line("contexts", &description.contexts.join(", "));
        let languages = texts::languages(description);
        let languages = if languages.is_empty() { "those of the host".into() } else { languages.join(", ") };
        line("languages", &languages);
        line("settings", &description.settings_schema);
        line("memory", &format!("{} to begin with{}", kib(component.initial_memory()), more_memory(loaded)));
        match manifest {
            Some(manifest) => {
                let Asked { outbound, directory, .. } = &manifest.capabilities;
                line("manifest", "carried");
                for (name, asked) in [("calls", outbound), ("reads", directory)] {
                    if !asked.is_empty() {
                        line(name, &asked.join(", "));
                    }
                }
            }
            None => line("manifest", "none: `postern authenticator pack` puts one in"),
        }
        say_problems(problems);
    }
}

/// What does not keep to the contract. What the sandbox checks itself was refused at load.
pub(super) fn problems(loaded: &Loaded) -> Result<Vec<String>, Failure> {
    let description = loaded.component.description();
    let mut problems = texts::problems(description)?;
    if let Err(error) = Schema::read(&description.settings_schema) {
        problems.push(error.to_string());
    }
    if let Some(manifest) = &loaded.manifest {
        let holds = crate::authenticators::tells_the_truth(manifest, &loaded.component);
        problems.extend(holds.err().map(|(code, problem)| format!("{code}: {problem}")));
    }
    Ok(problems)
}

fn as_json(loaded: &Loaded, problems: &[String]) -> serde_json::Value {
    let Loaded { component, manifest, size } = loaded;
    let description = component.description();
    let capabilities: Vec<&str> =
        component.capabilities().iter().map(|capability| capability.as_str()).collect();
    let schema: serde_json::Value = serde_json::from_str(&description.settings_schema).unwrap_or_default();
    json!({
        "name": description.name,
        "version": description.version,
        "contract": "0.1.0",
        "size": size,
        "sha256": component.digest(),
        "imports": component.imports(),
        "capabilities": capabilities,
        "outbound": manifest.as_ref().map(|manifest| &manifest.capabilities.outbound),
        "directory": manifest.as_ref().map(|manifest| &manifest.capabilities.directory),
        "identifies": description.identifies,
        "enrols": description.enrols,
        "factors": factors(description),
        "methods": description.methods,
        "contexts": description.contexts,
        "languages": texts::languages(description),
        "settings_schema": schema,
        "initial_memory": component.initial_memory(),
        "problems": problems,
    })
}

/// The setting that it needs when the usual memory is too small to begin with.
fn more_memory(loaded: &Loaded) -> String {
    let least = loaded.component.initial_memory();
    if least <= Limits::default().memory / 2 {
        return String::new();
    }
    let name = &loaded.component.description().name;
    format!("; [authenticators.modules.{name}] memory_mib = 64 leaves it room to work")
}

fn what(capability: Capability) -> &'static str {
    match capability {
        Capability::Accounts => "accounts: have passwords compared, and so find out who somebody is",
        Capability::Credentials => "credentials: keep records about people, seen by nobody else",
        Capability::Directory => "directory: read the claims of people that are granted by their names",
        Capability::Messages => "messages: send messages to people",
        Capability::OwnKeys => "own-keys: sign and decrypt by keys of its own, which it never sees",
        Capability::Kerberos => "kerberos: have Kerberos tickets judged, and so find out who somebody is",
        Capability::Outbound => "outbound: call the hosts that are granted",
    }
}

fn factors(description: &Description) -> Vec<&'static str> {
    let name = |factor: &Factor| match factor {
        Factor::Knowledge => "knowledge",
        Factor::Possession => "possession",
        Factor::Inherence => "inherence",
    };
    description.factors.iter().map(name).collect()
}

fn some(items: Vec<String>) -> String {
    if items.is_empty() { "none".into() } else { items.join(", ") }
}

fn kib(bytes: usize) -> String {
    format!("{} KiB", bytes.div_ceil(1 << 10))
}

//! `postern authenticator`: for those who write an authenticator, and for those who let one in.

mod granted;
mod inspect;
mod mail;
mod metadata;
mod new;
mod pack;
mod returned;
mod run;
mod script;
mod test;
mod texts;

use std::path::Path;

use clap::Subcommand;
use postern_manifest::Manifest;
use postern_sandbox::{ComponentAuthenticator, Limits, LoadError, Sandbox};

use super::output::{Failure, note, plain, say};
pub(super) use pack::component_of;

/// Authenticators: ways to sign in, as components.
#[derive(Subcommand)]
pub(crate) enum Authenticator {
    /// Make a project to begin with.
    New(new::New),
    /// Make the file to deploy: a component that carries its manifest.
    Pack(pack::Pack),
    /// Print what an authenticator is and may do, and check it against the contract.
    Inspect(inspect::Inspect),
    /// Go through its flows in the terminal, and print what each call asked of the host and used.
    Test(test::Test),
    /// Print our SAML metadata, for the administrator of an outside identity provider.
    Metadata(metadata::Metadata),
}

impl Authenticator {
    pub(super) async fn run(self, configuration: &Path) -> Result<(), Failure> {
        match self {
            Self::New(new) => new.run(),
            Self::Pack(pack) => pack.run(),
            Self::Inspect(inspect) => inspect.run().await,
            Self::Test(test) => test.run().await,
            Self::Metadata(metadata) => metadata.run(configuration).await,
        }
    }
}

/// A file, read and loaded with everything granted.
struct Loaded {
    component: ComponentAuthenticator,
    manifest: Option<Manifest>,
    size: usize,
}

/// Loads a file with the largest memory that there is, or with `memory` MiB.
async fn load(file: &Path, memory: Option<u32>) -> Result<Loaded, Failure> {
    let failed = |problem: &dyn std::fmt::Display| Failure::new(format!("{}: {problem}", file.display()));
    let bytes = std::fs::read(file).map_err(|error| failed(&error))?;
    let manifest = match postern_manifest::find(&bytes) {
        Ok(Some(manifest)) => Some(Manifest::read(manifest).map_err(|error| failed(&error))?),
        Ok(None) => None,
        Err(error @ postern_manifest::ManifestError::NoComponent(_)) if bytes.starts_with(b"\0asm\x01") => {
            return Err(failed(&format!("{error}; `postern authenticator pack` makes one of a module")));
        }
        Err(error) => return Err(failed(&error)),
    };
    let size = bytes.len();
    let memory = memory.map_or(Limits::MOST_MEMORY, |size| usize::try_from(size).unwrap_or(0) << 20);
    let limits = Limits { memory, ..Limits::default() };
    let sandbox = Sandbox::new(None).map_err(Failure::new)?;
    let label = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let component =
        sandbox.load_authenticator(&label, bytes, limits).await.map_err(|error| match &error {
            LoadError::ForeignImports(imports)
                if imports.iter().any(|name| name.contains("/policy-log@")) =>
            {
                failed(&"it is a policy: `postern policy inspect` reads it")
            }
            _ => failed(&error),
        })?;
    Ok(Loaded { component, manifest, size })
}

/// Problems that were found, each on a line of its own.
fn say_problems(problems: &[String]) {
    for problem in problems {
        say(format!("  ! {}", plain(problem)));
    }
}

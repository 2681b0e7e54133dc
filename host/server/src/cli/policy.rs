//! `postern policy`: for those who write a policy, and for those who let one decide.

mod context;
mod inspect;
mod pack;
mod test;

use std::path::Path;

use clap::Subcommand;
use postern_sandbox::{ComponentPolicy, Sandbox};

use super::output::{Failure, plain, say};

/// Policies: which steps a sign-in goes through, as components.
#[derive(Subcommand)]
pub(crate) enum Policy {
    /// Make the file to deploy: a component.
    Pack(pack::Pack),
    /// Print what a policy is, and check it against the contract.
    Inspect(inspect::Inspect),
    /// Print what a policy decides in a context.
    Test(test::Test),
}

impl Policy {
    pub(super) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Pack(pack) => pack.run(),
            Self::Inspect(inspect) => inspect.run().await,
            Self::Test(test) => test.run().await,
        }
    }
}

/// Loads a file. Its size in bytes comes along.
async fn load(file: &Path) -> Result<(ComponentPolicy, usize), Failure> {
    let failed = |problem: String| Failure::new(format!("{}: {problem}", file.display()));
    let bytes = std::fs::read(file).map_err(|error| failed(error.to_string()))?;
    let size = bytes.len();
    let sandbox = Sandbox::new(None).map_err(Failure::new)?;
    let label = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let component = crate::policies::component(&sandbox, &label, bytes, None).await;
    Ok((component.map_err(|(code, problem)| failed(format!("{code}: {problem}")))?, size))
}

//! `postern policy pack`

use std::path::PathBuf;

use clap::Args;

use super::{Failure, say};
use crate::cli::authenticator;

/// Makes a component of what a compiler made.
#[derive(Args)]
#[command(after_help = "\
Example:
  postern policy pack target/wasm32-unknown-unknown/release/country.wasm --output country.wasm")]
pub(crate) struct Pack {
    /// A core module for wasm32-unknown-unknown.
    file: PathBuf,
    /// The file to write.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

impl Pack {
    pub(super) fn run(self) -> Result<(), Failure> {
        let component = authenticator::component_of(&self.file)?;
        // The whole file or none: a host may be looking at the folder.
        let unfinished = self.output.with_extension("unfinished");
        let size = component.len().div_ceil(1 << 10);
        std::fs::write(&unfinished, component)
            .and_then(|()| std::fs::rename(&unfinished, &self.output))
            .map_err(|error| Failure::new(format!("{}: {error}", self.output.display())))?;
        say(format!("{}: {size} KiB", self.output.display()));
        Ok(())
    }
}

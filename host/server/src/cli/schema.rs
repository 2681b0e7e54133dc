//! `postern config …`

use clap::Subcommand;

use super::output::say;
use crate::config;

#[derive(Subcommand)]
pub(super) enum Config {
    /// Print the JSON Schema of postern.toml, for editors.
    Schema,
}

impl Config {
    pub(super) fn run(self) {
        let Self::Schema = self;
        say(config::schema());
    }
}

//! `postern token …`

use clap::Subcommand;

use super::output::{Failure, say};
use crate::compose::Opened;
use crate::config::Configuration;
use crate::management;

#[derive(Subcommand)]
pub(super) enum Token {
    /// Make another token, write it to `management.token_file`, and refuse the one of before.
    Renew,
}

impl Token {
    pub(super) async fn run(self, configuration: &Configuration) -> Result<(), Failure> {
        let Self::Renew = self;
        let opened = Opened::open(configuration).await?;
        let file = &configuration.management.token_file;
        management::renew_token(&opened.installation, file).await?;
        opened.administrative("administrator-token.renewed", None, &[]);
        say(format!("written to {}", file.display()));
        Ok(())
    }
}

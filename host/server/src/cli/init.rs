//! `postern init`

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::output::{Failure, say};
use crate::config::STARTER;

#[derive(Args)]
pub(super) struct Init {
    /// Where to; the folder of `--config` by default.
    folder: Option<PathBuf>,
}

impl Init {
    /// Writes what is not there yet, and changes nothing that is.
    pub(super) fn run(self, config: &Path) -> Result<(), Failure> {
        let parent = config.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = self.folder.unwrap_or_else(|| parent.unwrap_or(Path::new(".")).into());
        let name = config.file_name().unwrap_or("postern.toml".as_ref());
        for (directory, mode) in [
            (folder.clone(), 0o755),
            (folder.join("state"), 0o700),
            (folder.join("cache"), 0o700),
            (folder.join("modules"), 0o755),
            (folder.join("authenticators"), 0o755),
            (folder.join("policies"), 0o755),
            (folder.join("tls"), 0o700),
        ] {
            DirBuilder::new()
                .recursive(true)
                .mode(mode)
                .create(&directory)
                .map_err(|error| Failure::new(format!("{}: {error}", directory.display())))?;
        }
        let file = folder.join(name);
        let made = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&file);
        let written = made.and_then(|mut made| made.write_all(STARTER.as_bytes()));
        written.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => {
                Failure::new(format!("{} is there already: nothing was changed", file.display()))
            }
            _ => Failure::new(format!("{}: {error}", file.display())),
        })?;
        let folder = folder.display();
        say(format!("wrote {}", file.display()));
        say(format!("Next: the certificates in {folder}/tls, the modules in {folder}/modules and"));
        say(format!("{folder}/authenticators, the host name in {}, then `postern check`.", file.display()));
        Ok(())
    }
}

//! `postern.toml`: one file, unknown fields refused, every problem named with file, line, column
//! and field, all of them at once.

mod authenticators;
mod checks;
mod file;
mod kerberos;
mod mail;
mod outbound;
mod paths;
mod policies;

use std::path::Path;

pub(crate) use authenticators::{Accounts, AuthenticatorModule, Grants, MEMORY_MIB};
pub(crate) use file::*;
pub(crate) use kerberos::Kerberos;
pub(crate) use mail::{LONGEST_SENDING, Mail, MailTls};
pub(crate) use outbound::{Outbound, Secret, SecretKind};
pub(crate) use policies::Policies;
use postern_settings::read;
pub(crate) use postern_settings::{Duration, Invalid, Misfit, Problem};

/// A commented file to begin with, as `postern init` writes it.
pub(crate) const STARTER: &str = include_str!("starter.toml");

/// The file's JSON Schema, for editors.
pub(crate) fn schema() -> String {
    postern_settings::schema::<Configuration>()
}

/// Reads and checks the file. Relative paths in it become relative to the folder that it is in.
///
/// # Errors
/// Every problem found.
pub(crate) fn load(path: &Path) -> Result<Configuration, Invalid> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let hint = if error.kind() == std::io::ErrorKind::NotFound {
            "; `postern init` writes one to begin with, `--config` names another one"
        } else {
            ""
        };
        Invalid::new(path, vec![Problem::whole_file(format!("can't be read: {error}{hint}"))])
    })?;
    let mut configuration = parse(path, &text)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    paths::resolve(&mut configuration, folder);
    Ok(configuration)
}

/// Places what does not fit the machine in the file, as the problems of [`load`] are.
pub(crate) fn place(path: &Path, misfits: &[Misfit]) -> Invalid {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let (document, _) = read::<Configuration>(&text);
    let problems = misfits.iter().map(|misfit| document.problem_of(&misfit.field, &misfit.message));
    Invalid::new(path, problems.collect())
}

/// The same from the text, with paths as they are written.
fn parse(path: &Path, text: &str) -> Result<Configuration, Invalid> {
    let (document, read) = read::<Configuration>(text);
    let problems = match read {
        Ok(configuration) => {
            let problems = checks::check(&configuration, &document);
            if problems.is_empty() {
                return Ok(configuration);
            }
            problems
        }
        Err(problems) => problems,
    };
    Err(Invalid::new(path, problems))
}

#[cfg(test)]
mod tests;

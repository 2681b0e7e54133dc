//! `postern-edge.toml`: what an operator writes to put the guards before an identity provider.
//!
//! It needs no installation in the LAN: `postern edge config --policy postern-edge.toml` works on
//! the proxy's own machine.

mod authorization;
mod build;
mod checks;
mod decoder;
mod exported;
mod federation;
mod federation_sections;
mod file;
mod introspection;
mod key_sources;
mod pem;
mod posted_queries;
mod relying_parties;
mod report_only;
mod rules;
mod token_sections;
mod tokens;

use std::path::Path;

pub use exported::Exported;
pub use file::{BalancingSetting, EdgeFile, KeycloakSection, Protocol, ShibbolethSection, Wso2isSection};
use postern_settings::{Document, Invalid, Problem, read};
pub use token_sections::{IntrospectedTokens, IntrospectionAuthentication};

use crate::EdgePolicy;

/// The file's JSON Schema, for editors.
pub fn schema() -> String {
    postern_settings::schema::<EdgeFile>()
}

/// A policy and what an operator should know about it.
#[derive(Clone, Debug)]
pub struct Built {
    /// What proxies are configured from.
    pub policy: EdgePolicy,
    /// What is not judged, although it passes: one sentence each.
    pub notes: Vec<String>,
}

/// Reads and checks the file, with the files that it names, at the time `now` (seconds since
/// 1970: metadata can have expired).
///
/// # Errors
/// Every problem found, each with line, column and field.
pub fn load(path: &Path, now: u64) -> Result<Built, Invalid> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let hint = if error.kind() == std::io::ErrorKind::NotFound {
            "; `postern edge init` writes one to begin with"
        } else {
            ""
        };
        Invalid::new(path, vec![Problem::whole_file(format!("can't be read: {error}{hint}"))])
    })?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let open = |file: &Path| std::fs::read(folder.join(file)).map_err(|error| error.to_string());
    parse(&text, now, &open).map_err(|problems| Invalid::new(path, problems))
}

/// Reads a file that the policy names; an error says why it can't be read.
type Open<'o> = &'o dyn Fn(&Path) -> Result<Vec<u8>, String>;

/// The same from the text.
pub(crate) fn parse(text: &str, now: u64, open: Open<'_>) -> Result<Built, Vec<Problem>> {
    let (document, file) = read::<EdgeFile>(text);
    let file = file?;
    let mut problems = Problems { document: &document, found: Vec::new() };
    checks::check(&file, &mut problems);
    let built = build::build(&file, now, open, &mut problems);
    match built {
        Some(built) if problems.found.is_empty() => Ok(built),
        _ => Err(problems.found),
    }
}

/// Problems as they are found.
struct Problems<'d> {
    document: &'d Document<'d>,
    found: Vec<Problem>,
}

impl Problems<'_> {
    fn add(&mut self, field: &str, message: impl Into<String>) {
        self.found.push(self.document.problem_of(field, message));
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod tests_support;

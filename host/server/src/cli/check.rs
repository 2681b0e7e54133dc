//! `postern check`

use std::path::Path;

use super::output::{Failure, say};
use crate::compose;
use crate::config;

/// Everything that `serve` would stumble over, without touching the state.
pub(super) async fn run(path: &Path) -> Result<(), Failure> {
    let configuration = config::load(path).map_err(Failure::usage)?;
    let mut problems = Vec::new();
    for result in [
        compose::public_tls(&configuration).map(drop),
        compose::management_tls(&configuration).map(drop),
        compose::pages(&configuration).map(drop),
    ] {
        problems.extend(result.err().map(|failure| failure.message));
    }
    match compose::sandbox(&configuration) {
        Ok(sandbox) => match compose::load_modules(&sandbox, &configuration).await {
            Ok(modules) => {
                problems
                    .extend(compose::table(&configuration, &modules).err().map(|failure| failure.message));
            }
            Err(failure) => problems.push(failure.message),
        },
        Err(failure) => problems.push(failure.message),
    }
    if problems.is_empty() {
        say(format!("{} is good", path.display()));
        return Ok(());
    }
    Err(Failure::usage(problems.join("\npostern: ")))
}

//! Calling cargo, and learning from it where its artefacts are.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::command::cannot_start;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// `cargo`, in the repository.
pub(crate) fn command(workspace: &Workspace) -> Command {
    let mut command = Command::new(program());
    command.current_dir(workspace.root());
    command
}

#[allow(clippy::disallowed_methods, reason = "xtask reads the environment")]
fn program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

/// What one call of cargo built.
pub(crate) struct Built {
    /// Target name to file, for every target of ours that is a `.wasm` or a program.
    pub(crate) files: BTreeMap<String, PathBuf>,
    pub(crate) complete: bool,
}

/// Runs `cargo build` with the arguments. What compiles is there even if something else does not.
pub(crate) fn build(workspace: &Workspace, arguments: &[&str]) -> Result<Built, Failure> {
    let mut command = command(workspace);
    command
        .args(["build", "--message-format=json-render-diagnostics"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| cannot_start(&command, &error))?;
    let mut files = BTreeMap::new();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some((target, file)) = artefact(&line) {
                files.insert(target, file);
            }
        }
    }
    let status = child.wait().map_err(|error| Failure::new(format!("cargo was lost: {error}")))?;
    Ok(Built { files, complete: status.success() })
}

/// Target name and file of a `compiler-artifact` message that is a program or a wasm module.
fn artefact(line: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message.get("reason")?.as_str()? != "compiler-artifact" {
        return None;
    }
    let target = message.get("target")?.get("name")?.as_str()?.to_owned();
    if let Some(program) = message.get("executable").and_then(Value::as_str) {
        return Some((target, PathBuf::from(program)));
    }
    let module = message
        .get("filenames")?
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .find(|name| name.ends_with(".wasm"))?;
    Some((target, PathBuf::from(module)))
}

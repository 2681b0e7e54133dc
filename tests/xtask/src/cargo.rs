//! Calling cargo, and learning from it where its artefacts are.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::command::cannot_start;
use crate::failure::Failure;
use crate::progress::line;
use crate::toolchain;
use crate::workspace::Workspace;

/// `cargo`, in the repository.
pub(crate) fn command(workspace: &Workspace) -> Command {
    let mut command = Command::new(program());
    command.current_dir(workspace.root());
    // What `cargo run` set for xtask itself is no business of another cargo: build scripts
    // that look at it would run again each time.
    for (name, _) in variables() {
        if OWN.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
}

const OWN: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];

#[allow(clippy::disallowed_methods, reason = "xtask reads the environment")]
fn program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

#[allow(clippy::disallowed_methods, reason = "xtask reads the environment")]
fn variables() -> env::VarsOs {
    env::vars_os()
}

/// What one call of cargo built.
#[derive(Default)]
pub(crate) struct Built {
    /// Target name to file, for every target of ours that is a `.wasm` or a program.
    pub(crate) files: BTreeMap<String, PathBuf>,
    /// Programs with tests in them.
    pub(crate) tests: Vec<TestProgram>,
    /// What rustc and clippy had to say about code of ours that compiles.
    pub(crate) warnings: usize,
    pub(crate) complete: bool,
}

/// The tests of one library, or one file of a `tests` folder.
pub(crate) struct TestProgram {
    /// Folder of its package.
    pub(crate) folder: PathBuf,
    pub(crate) target: String,
    pub(crate) file: PathBuf,
}

/// Runs `cargo build` with the arguments. What compiles is there even if something else does not.
pub(crate) fn build(workspace: &Workspace, arguments: &[&str]) -> Result<Built, Failure> {
    collect(command(workspace), arguments)
}

/// As [`build`], with clippy's driver as the compiler of what is ours: code is linted while it is
/// compiled. `cargo clippy` would check every dependency once more, which takes minutes.
pub(crate) fn build_linted(workspace: &Workspace, arguments: &[&str]) -> Result<Built, Failure> {
    let mut command = command(workspace);
    command.env("RUSTC_WORKSPACE_WRAPPER", toolchain::program(workspace, "clippy-driver")?);
    collect(command, arguments)
}

/// The same, with what build scripts have to be told.
pub(crate) fn build_linted_with(
    workspace: &Workspace,
    arguments: &[&str],
    environment: &[(&str, PathBuf)],
) -> Result<Built, Failure> {
    let mut command = command(workspace);
    command.env("RUSTC_WORKSPACE_WRAPPER", toolchain::program(workspace, "clippy-driver")?);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    collect(command, arguments)
}

fn collect(mut command: Command, arguments: &[&str]) -> Result<Built, Failure> {
    command
        .args(["build", "--message-format=json-diagnostic-rendered-ansi"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| cannot_start(&command, &error))?;
    let mut built = Built::default();
    if let Some(stdout) = child.stdout.take() {
        for message in BufReader::new(stdout).lines().map_while(Result::ok) {
            built.note(&message);
        }
    }
    let status = child.wait().map_err(|error| Failure::new(format!("cargo was lost: {error}")))?;
    built.complete = status.success();
    Ok(built)
}

impl Built {
    /// Reads one message of cargo.
    fn note(&mut self, message: &str) -> Option<()> {
        let message: Value = serde_json::from_str(message).ok()?;
        match message.get("reason")?.as_str()? {
            "compiler-artifact" => self.artefact(&message),
            "compiler-message" => self.diagnostic(message.get("message")?),
            _ => None,
        }
    }

    fn artefact(&mut self, message: &Value) -> Option<()> {
        let target = message.get("target")?.get("name")?.as_str()?.to_owned();
        let program = message.get("executable").and_then(Value::as_str).map(PathBuf::from);
        let is_test = message.get("profile")?.get("test")?.as_bool()?;
        match program {
            Some(file) if is_test => {
                let folder = Path::new(message.get("manifest_path")?.as_str()?).parent()?.to_owned();
                self.tests.push(TestProgram { folder, target, file });
            }
            Some(file) => drop(self.files.insert(target, file)),
            None => {
                let files = message.get("filenames")?.as_array()?;
                let is_module = |name: &&str| name.ends_with(".wasm") || name.ends_with(".so");
                let module = files.iter().filter_map(Value::as_str).find(is_module)?;
                self.files.insert(target, PathBuf::from(module));
            }
        }
        Some(())
    }

    fn diagnostic(&mut self, diagnostic: &Value) -> Option<()> {
        line(diagnostic.get("rendered")?.as_str()?.trim_end());
        // The summary of a crate ("3 warnings emitted") names no place.
        let names_a_place = diagnostic.get("spans")?.as_array().is_some_and(|spans| !spans.is_empty());
        if diagnostic.get("level")?.as_str()? == "warning" && names_a_place {
            self.warnings = self.warnings.saturating_add(1);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::Built;

    #[test]
    fn programs_modules_and_tests_are_told_apart() {
        let mut built = Built::default();
        let artefact = |name: &str, test: bool, executable: &str, file: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/r/a/Cargo.toml","target":{{"name":"{name}"}},
                    "profile":{{"test":{test}}},"filenames":["{file}"],"executable":{executable}}}"#
            )
        };
        built.note(&artefact("postern", false, "\"/t/postern\"", "/t/postern"));
        built.note(&artefact("postern", true, "\"/t/postern-1\"", "/t/postern-1"));
        built.note(&artefact("guest", false, "null", "/t/guest.wasm"));
        built.note(&artefact("library", false, "null", "/t/library.rlib"));
        built.note(r#"{"reason":"build-finished","success":true}"#);
        let diagnostic = |level: &str, spans: &str| {
            format!(
                r#"{{"reason":"compiler-message","message":{{"level":"{level}","spans":{spans},"rendered":""}}}}"#
            )
        };
        built.note(&diagnostic("warning", "[{}]"));
        built.note(&diagnostic("warning", "[]"));
        built.note(&diagnostic("error", "[{}]"));
        assert_eq!(built.warnings, 1);
        assert_eq!(built.files.len(), 2);
        assert!(built.files["guest"].ends_with("guest.wasm"));
        assert_eq!(built.tests.len(), 1);
        assert!(built.tests[0].folder.ends_with("a"));
    }
}

//! The tests that cargo builds: all in one call, so that no dependency is compiled twice with
//! different features, then run program by program.

use std::process::Command;
use std::time::Duration;

use super::Run;
use crate::build::guests;
use crate::cargo::{self, Built, TestProgram};
use crate::command::run_within;
use crate::failure::Failure;
use crate::progress::{error, note};
use crate::toolchain;
use crate::tools::Peers;
use crate::workspace::Workspace;

/// Folders of the packages that have a step of their own.
pub(super) const PARITY: &str = "tests/parity";
pub(crate) const END_TO_END: &str = "tests/end-to-end";

/// For one test program. The longest takes a minute on two cores: what takes this long hangs.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// xtask itself, which was compiled alone when it was started: alone it stays, or what it
/// depends on would be compiled again with the features that others ask for.
const XTASK: [&str; 2] = ["--package", "postern-xtask"];

/// The host and all tests, with clippy.
pub(super) fn compile(workspace: &Workspace) -> Result<Built, Failure> {
    let selection = guests::native_selection(workspace)?;
    toolchain::need_component(workspace, "clippy", "clippy-driver")?;
    let mut arguments = vec!["--keep-going", "--bins", "--tests", "--examples"];
    arguments.extend(selection.iter().map(String::as_str));
    let mut built = cargo::build_linted(workspace, &arguments)?;
    let own = cargo::build_linted(workspace, &[&XTASK[..], &["--bins", "--tests"]].concat())?;
    built.tests.extend(own.tests);
    built.warnings += own.warnings;
    if built.complete && own.complete {
        return Ok(built);
    }
    Err(Failure::new("the host or its tests do not compile"))
}

/// One test program of a package, and what it runs beside it.
pub(crate) fn one(workspace: &Workspace, folder: &str, target: &str) -> Result<TestProgram, Failure> {
    let selection = guests::native_selection(workspace)?;
    toolchain::need_component(workspace, "clippy", "clippy-driver")?;
    let mut arguments = vec!["--bin", "postern", "--test", target];
    arguments.extend(selection.iter().map(String::as_str));
    let built = cargo::build_linted(workspace, &arguments)?;
    let folder = workspace.path(folder);
    let program =
        built.tests.into_iter().find(|program| program.folder == folder && program.target == target);
    program
        .filter(|_| built.complete)
        .ok_or_else(|| Failure::new(format!("{target} of {} does not compile", folder.display())))
}

/// Runs a program of tests as cargo would, and tells it where its peers are.
pub(crate) fn command(program: &TestProgram, peers: &Peers) -> Command {
    let mut command = Command::new(&program.file);
    command
        .current_dir(&program.folder)
        .env("CARGO_MANIFEST_DIR", &program.folder)
        .env("POSTERN_ENVOY", &peers.envoy)
        .env("POSTERN_NODE", &peers.node)
        .env("POSTERN_PYTHON", &peers.python);
    command
}

/// The tests of one folder.
pub(super) fn of(context: &Run<'_>, folder: &str) -> Result<(), Failure> {
    let folder = context.workspace.path(folder);
    execute(context, |program| program.folder == folder)
}

/// All that have no step of their own.
pub(super) fn others(context: &Run<'_>) -> Result<(), Failure> {
    let apart = [PARITY, END_TO_END].map(|folder| context.workspace.path(folder));
    execute(context, |program| !apart.contains(&program.folder))
}

/// Runs the programs as cargo would, each in the folder of its package.
fn execute(context: &Run<'_>, wanted: impl Fn(&TestProgram) -> bool) -> Result<(), Failure> {
    let peers = context.peers()?;
    let mut failed = Vec::new();
    let mut count = 0_usize;
    for program in context.native()?.tests.iter().filter(|program| wanted(program)) {
        count += 1;
        let package = program.folder.strip_prefix(context.workspace.root()).unwrap_or(&program.folder);
        let name = format!("{} ({})", program.target, package.display());
        note(&name);
        if let Err(failure) = run_within(&mut command(program, peers), LIMIT) {
            error(&failure);
            failed.push(name);
        }
    }
    if count == 0 {
        return Err(Failure::new("there is no test to run"));
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("tests failed in {}", failed.join(", "))))
}

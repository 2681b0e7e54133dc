//! What rustup has to hold. `rust-toolchain.toml` names it, and rustup installs it by itself
//! unless it was told not to (`RUSTUP_AUTO_INSTALL=0`).

use std::path::PathBuf;
use std::process::Command;

use crate::command::{output, run};
use crate::failure::Failure;
use crate::progress::note;
use crate::workspace::Workspace;

/// Installs the standard library of a target, if it is not there.
pub(crate) fn need_target(workspace: &Workspace, target: &str) -> Result<(), Failure> {
    if sysroot(workspace)?.join("lib/rustlib").join(target).is_dir() {
        return Ok(());
    }
    note(format_args!("the target {target} is missing: rustup target add"));
    run(rustup(workspace).args(["target", "add", target]))
        .map_err(|failure| failure.remedy(format!("rustup target add {target}")))
}

/// Installs `clippy` or `rustfmt`, if it is not there.
pub(crate) fn need_component(workspace: &Workspace, component: &str, program: &str) -> Result<(), Failure> {
    if sysroot(workspace)?.join("bin").join(program).is_file() {
        return Ok(());
    }
    note(format_args!("{component} is missing: rustup component add"));
    run(rustup(workspace).args(["component", "add", component]))
        .map_err(|failure| failure.remedy(format!("rustup component add {component}")))
}

/// A program of the toolchain.
pub(crate) fn program(workspace: &Workspace, name: &str) -> Result<PathBuf, Failure> {
    Ok(sysroot(workspace)?.join("bin").join(name))
}

fn rustup(workspace: &Workspace) -> Command {
    let mut command = Command::new("rustup");
    command.current_dir(workspace.root());
    command
}

fn sysroot(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(workspace.root()).args(["--print", "sysroot"]);
    let printed = output(&mut rustc)?;
    Ok(PathBuf::from(String::from_utf8_lossy(&printed).trim()))
}

//! Format and lints.

use crate::build::guests::{self, Guest};
use crate::cargo::Built;
use crate::command::run;
use crate::failure::Failure;
use crate::workspace::Workspace;
use crate::{cargo, toolchain};

pub(super) fn fmt(workspace: &Workspace) -> Result<(), Failure> {
    toolchain::need_component(workspace, "rustfmt", "rustfmt")?;
    run(cargo::command(workspace).args(["fmt", "--all", "--check"]))
        .map_err(|failure| failure.remedy("cargo fmt --all"))
}

/// Everything that is compiled natively, tests too: clippy looked on when it was compiled.
pub(super) fn native(built: &Built) -> Result<(), Failure> {
    match built.warnings {
        0 => Ok(()),
        count => Err(Failure::new(format!("{count} warnings; they stand where the step `compile` ran"))
            .remedy("cargo clippy --all-targets")),
    }
}

/// The crates for authors: no guests themselves.
const AUTHORS: [&str; 2] = ["postern-authenticator", "postern-policy"];

/// The WebAssembly faces, which are empty natively.
pub(super) fn guests(workspace: &Workspace) -> Result<(), Failure> {
    toolchain::need_component(workspace, "clippy", "cargo-clippy")?;
    let components = guests::components(workspace)?;
    for (target, guests) in [("wasm32-unknown-unknown", components), ("wasm32-wasip1", guests::filters())] {
        toolchain::need_target(workspace, target)?;
        let packages = guests.iter().flat_map(|Guest { package, .. }| ["--package", package]);
        let authors = AUTHORS.into_iter().filter(|_| target == "wasm32-unknown-unknown");
        let authors = authors.flat_map(|package| ["--package", package]);
        run(cargo::command(workspace)
            .args(["clippy", "--quiet", "--keep-going", "--target", target])
            .args(packages.chain(authors))
            .args(["--", "--deny", "warnings"]))
        .map_err(|_| found(target))?;
    }
    Ok(())
}

/// The fuzz targets, a workspace of their own. `tests/parity` replays their corpora.
pub(super) fn fuzz(workspace: &Workspace) -> Result<(), Failure> {
    run(cargo::command(workspace).args([
        "check",
        "--quiet",
        "--locked",
        "--bins",
        "--manifest-path",
        "tests/fuzz/Cargo.toml",
    ]))
}

/// What clippy found is on the terminal already.
fn found(place: &str) -> Failure {
    Failure::new(format!("clippy has something to say about what is compiled for {place}"))
}

//! `cargo xtask build`: components, filters and the host.

mod component;
mod filter;
pub(crate) mod guests;
pub(crate) mod policies;
mod sections;

use clap::{Args, ValueEnum};

use crate::cargo;
use crate::failure::Failure;
use crate::progress::{Step, note};
use crate::toolchain;
use crate::workspace::{Workspace, write_changed};
use guests::Guest;

/// Build components, filters and the host.
///
/// Components and filters go to target/postern/{components,authenticators,guests,filters},
/// the host is cargo's target/debug/postern. What is up to date is not built again.
#[derive(Args, Default)]
#[command(after_help = "Examples:
  cargo xtask build                     everything, as the tests and the demo use it
  cargo xtask build --release           the host as it is deployed, in target/release
  cargo xtask build --only components   components, authenticators and test guests
  cargo xtask build --only filters --dev")]
pub(crate) struct Arguments {
    /// Build one part.
    #[arg(long, value_enum)]
    pub(crate) only: Option<Part>,
    /// Build the WebAssembly modules unoptimised: quick to compile, slow to run.
    #[arg(long)]
    pub(crate) dev: bool,
    /// Build the host optimised.
    #[arg(long)]
    pub(crate) release: bool,
}

impl Arguments {
    /// Optimised guests, and the host that the tests use too, so that it is built once.
    pub(crate) fn for_demo() -> Self {
        Self::default()
    }

    pub(crate) fn only(part: Part) -> Self {
        Self { only: Some(part), ..Self::default() }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    Components,
    Filters,
    Host,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    let wanted = |part| arguments.only.is_none_or(|only| only == part);
    let profile = if arguments.dev { "dev" } else { "wasm" };
    if wanted(Part::Components) {
        components(workspace, profile)?;
    }
    if wanted(Part::Filters) {
        filters(workspace, profile)?;
    }
    if wanted(Part::Host) {
        host(workspace, arguments.release)?;
    }
    Ok(())
}

fn components(workspace: &Workspace, profile: &str) -> Result<(), Failure> {
    let guests = guests::components(workspace)?;
    let step = Step::begin(format!("components for wasm32-unknown-unknown ({profile})"));
    modules(workspace, "wasm32-unknown-unknown", profile, &[], &guests, |_, bytes| component::wrap(bytes))?;
    step.done();
    policies::build(workspace)
}

fn filters(workspace: &Workspace, profile: &str) -> Result<(), Failure> {
    let step = Step::begin(format!("filters for wasm32-wasip1 ({profile})"));
    modules(workspace, "wasm32-wasip1", profile, &["--examples"], &guests::filters(), |_, bytes| {
        filter::whole(bytes)
    })?;
    step.done();
    Ok(())
}

/// The filter that does nothing, for the benchmarks alone.
pub(crate) fn bench_filter(workspace: &Workspace) -> Result<(), Failure> {
    let target = "wasm32-wasip1";
    toolchain::need_target(workspace, target)?;
    let arguments =
        ["--package", "postern-proxy", "--example", "noop", "--target", target, "--profile", "wasm"];
    let built = cargo::build(workspace, &arguments)?;
    let module = built.files.get("noop").filter(|_| built.complete);
    let module = module.ok_or_else(|| Failure::new("the filter that does nothing does not compile"))?;
    let bytes = crate::workspace::read(module).and_then(|bytes| filter::whole(&bytes))?;
    write_changed(&workspace.artefacts().join("bench/noop.wasm"), &bytes).map(drop)
}

/// Builds all guests of one target in one call of cargo (`which` of their targets, libraries when it
/// is empty), then finishes each.
/// One that fails does not hide the others: all failures are reported together.
fn modules(
    workspace: &Workspace,
    target: &str,
    profile: &str,
    which: &[&str],
    guests: &[Guest],
    finish: fn(&Guest, &[u8]) -> Result<Vec<u8>, Failure>,
) -> Result<(), Failure> {
    toolchain::need_target(workspace, target)?;
    let mut arguments = vec!["--keep-going", "--target", target, "--profile", profile];
    arguments.extend(which);
    for guest in guests {
        arguments.extend(["--package", guest.package.as_str()]);
    }
    let built = cargo::build(workspace, &arguments)?;
    let mut failures = Vec::new();
    for guest in guests {
        let Some(module) = built.files.get(&guest.target()) else {
            failures.push(format!("{} does not compile", guest.package));
            continue;
        };
        let finished = crate::workspace::read(module).and_then(|bytes| finish(guest, &bytes));
        match finished {
            Ok(bytes) => {
                let file = workspace.artefacts().join(&guest.file);
                let changed = write_changed(&file, &bytes)?;
                note(format_args!(
                    "{} {} KiB{}",
                    guest.file,
                    bytes.len().div_ceil(1024),
                    if changed { "" } else { ", unchanged" }
                ));
            }
            Err(failure) => failures.push(format!("{}: {failure}", guest.package)),
        }
    }
    if failures.is_empty() && built.complete {
        return Ok(());
    }
    Err(Failure::new(format!("not built:\n  {}", failures.join("\n  "))))
}

fn host(workspace: &Workspace, release: bool) -> Result<(), Failure> {
    let profile = if release { "release" } else { "dev" };
    let step = Step::begin(format!("host ({profile})"));
    let built = cargo::build(workspace, &["--package", "postern-server", "--profile", profile])?;
    let program = built.files.get("postern").filter(|_| built.complete);
    let program = program.ok_or_else(|| Failure::new("the host does not compile"))?;
    note(program.display());
    step.done();
    Ok(())
}

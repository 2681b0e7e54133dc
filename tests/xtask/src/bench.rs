//! `cargo xtask bench`: the benchmarks of `tests/load`, on demand.

use clap::Args;

use crate::build::{self, Part};
use crate::cargo;
use crate::command::run as run_to_end;
use crate::failure::Failure;
use crate::progress::Step;
use crate::workspace::Workspace;

/// Run a benchmark; it prints CPU time per call, and ratios within the run.
///
/// The first run compiles the benchmarks optimised, which takes minutes.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask bench sandbox                     a fresh component instance over a reused one
  cargo xtask bench sandbox --rounds 9 --calls 500
  cargo xtask bench sandbox --help              its options")]
pub(crate) struct Arguments {
    /// The benchmark and its options, as tests/load knows them.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "BENCHMARK")]
    benchmark: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    build::run(workspace, &build::Arguments::only(Part::Components))?;
    let step = Step::begin("benchmarks, optimised");
    let package = ["--release", "--package", "postern-load"];
    run_to_end(cargo::command(workspace).arg("build").args(package))?;
    step.done();
    run_to_end(
        cargo::command(workspace).args(["run", "--quiet"]).args(package).arg("--").args(&arguments.benchmark),
    )
}

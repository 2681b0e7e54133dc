//! `cargo xtask bench`: the benchmarks of `tests/load`, on demand.

use clap::Args;

use crate::build::{self, Part};
use crate::cargo;
use crate::command::run as run_to_end;
use crate::failure::Failure;
use crate::nginx;
use crate::progress::Step;
use crate::tools::{apt, envoy};
use crate::workspace::Workspace;

/// Run a benchmark; it prints CPU time per call, and ratios within the run.
///
/// The first run of `sandbox` compiles it optimised, which takes minutes.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask bench edge                        what each filter costs in the real Envoy
  cargo xtask bench edge --rounds 5 --only endpoint-filter
  cargo xtask bench edge --proxy nginx          the same in nginx, against stock and a Lua allowlist
  cargo xtask bench sandbox                     a fresh component instance over a reused one
  cargo xtask bench sandbox --rounds 9 --calls 500
  cargo xtask bench authenticators              a step in a component and natively; a hundred components
  cargo xtask bench sandbox --help              its options")]
pub(crate) struct Arguments {
    /// The benchmark and its options, as tests/load knows them.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "BENCHMARK")]
    benchmark: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    match arguments.benchmark.first().map(String::as_str) {
        Some("edge") => edge(workspace, arguments),
        _ => sandbox(workspace, arguments),
    }
}

/// What is measured is the proxy: the generator of load need not be optimised.
fn edge(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    build::run(workspace, &build::Arguments::only(Part::Filters))?;
    build::bench_filter(workspace)?;
    let proxy = if arguments.benchmark.iter().any(|word| word == "nginx" || word == "--proxy=nginx") {
        apt::need(&apt::FOR_NGINX_BENCH)?;
        let options = nginx::Arguments { release: true, ..nginx::Arguments::default() };
        ("POSTERN_NGINX_MODULE", nginx::make(workspace, &options)?.file)
    } else {
        ("POSTERN_ENVOY", envoy::need(workspace)?)
    };
    let package = ["--package", "postern-load", "--no-default-features", "--features", "edge"];
    let step = Step::begin("the benchmark");
    run_to_end(cargo::command(workspace).arg("build").args(package))?;
    step.done();
    let mut command = cargo::command(workspace);
    command.args(["run", "--quiet"]).args(package).arg("--").args(&arguments.benchmark);
    run_to_end(command.env(proxy.0, proxy.1))
}

fn sandbox(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    build::run(workspace, &build::Arguments::only(Part::Components))?;
    let step = Step::begin("benchmarks, optimised");
    let package =
        ["--release", "--package", "postern-load", "--no-default-features", "--features", "sandbox"];
    run_to_end(cargo::command(workspace).arg("build").args(package))?;
    step.done();
    run_to_end(
        cargo::command(workspace).args(["run", "--quiet"]).args(package).arg("--").args(&arguments.benchmark),
    )
}

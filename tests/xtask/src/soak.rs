//! `cargo xtask soak`: the proxy under load for minutes, by `tests/load`.

use std::process::Command;

use clap::Args;

use crate::build::{self, Part, guests};
use crate::cargo;
use crate::command::run as run_to_end;
use crate::failure::Failure;
use crate::nginx;
use crate::progress::Step;
use crate::workspace::Workspace;

/// Run nginx with the guards under mixed good and hostile traffic, with reloads, killed workers,
/// upgrades and a graceful end; fails when a request is lost, or memory grows.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask soak                                  ten minutes, 200 reloads, in nginx
  cargo xtask soak --proxy nginx --minutes 1 --reloads 10
  cargo xtask soak --dev -- --help                  all options")]
pub(crate) struct Arguments {
    /// The module as it is built for tests, which need not be compiled anew.
    #[arg(long)]
    dev: bool,
    /// As tests/load knows them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTION")]
    options: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    build::run(workspace, &build::Arguments::only(Part::Filters))?;
    let options = nginx::Arguments { release: !arguments.dev, ..nginx::Arguments::default() };
    let module = nginx::make(workspace, &options)?;
    let step = Step::begin("the clients");
    // In one selection with the tests: nothing is compiled that they have not compiled already.
    let selection = guests::native_selection(workspace)?;
    let mut selected = vec!["--bin", "postern-load"];
    selected.extend(selection.iter().map(String::as_str));
    let built = cargo::build_linted(workspace, &selected)?;
    let program = built.files.get("postern-load").filter(|_| built.complete);
    let program = program.ok_or_else(|| Failure::new("the clients do not compile"))?;
    step.done();
    let mut command = Command::new(program);
    command.arg("soak").args(&arguments.options);
    run_to_end(command.current_dir(workspace.root()).env("POSTERN_NGINX_MODULE", &module.file))
}

//! `cargo xtask`: everything that is done with this repository, as one command line.
//!
//! It depends on nothing of the host, so that it compiles in seconds.

mod bench;
mod build;
mod cargo;
mod certificates;
mod command;
mod demo;
mod failure;
mod nginx;
mod progress;
mod soak;
mod test;
mod toolchain;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use failure::Failure;
use workspace::Workspace;

/// Builds Postern, shows it, tests it.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    Bench(bench::Arguments),
    Build(build::Arguments),
    NginxAsan(nginx::sanitized::Arguments),
    NginxModule(nginx::Arguments),
    NginxPackage(nginx::package::Arguments),
    NginxVersions(nginx::versions::Arguments),
    Tools(tools::Arguments),
    Demo(demo::Arguments),
    Soak(soak::Arguments),
    Test(test::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            progress::error(&failure);
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    match task {
        Task::Bench(arguments) => bench::run(&workspace, &arguments),
        Task::Build(arguments) => build::run(&workspace, &arguments),
        Task::NginxAsan(arguments) => nginx::sanitized::run(&workspace, &arguments),
        Task::NginxModule(arguments) => nginx::run(&workspace, &arguments),
        Task::NginxPackage(arguments) => nginx::package::run(&workspace, &arguments),
        Task::NginxVersions(arguments) => nginx::versions::run(&workspace, &arguments),
        Task::Tools(arguments) => tools::run(&workspace, &arguments),
        Task::Demo(arguments) => demo::run(&workspace, &arguments),
        Task::Soak(arguments) => soak::run(&workspace, &arguments),
        Task::Test(arguments) => test::run(&workspace, &arguments),
    }
}

//! Benchmarks, run on demand (`cargo xtask bench`) and printed as ratios.
//!
//! Times are CPU time of the thread that does the work: the machines are noisy, and wall time
//! would count what others do. What is compared runs in the same process, in turns.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

#[cfg(feature = "sandbox")]
mod authenticators;
#[cfg(feature = "sandbox")]
mod cpu;
#[cfg(feature = "edge")]
mod edge;
mod rounds;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(feature = "edge")]
mod soak;
#[cfg(feature = "sandbox")]
mod table;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Benchmarks of Postern.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    #[cfg(feature = "edge")]
    Edge(edge::Arguments),
    #[cfg(feature = "edge")]
    Soak(soak::Arguments),
    /// What a fresh component instance costs over a reused one.
    #[cfg(feature = "sandbox")]
    Sandbox(sandbox::Arguments),
    /// What a step of a sign-in costs in a component, and what a hundred authenticators do.
    #[cfg(feature = "sandbox")]
    Authenticators(authenticators::Arguments),
}

fn main() -> ExitCode {
    let result: Result<(), String> = match Arguments::parse().what {
        #[cfg(feature = "edge")]
        What::Edge(arguments) => edge::run(&arguments),
        #[cfg(feature = "edge")]
        What::Soak(arguments) => soak::run(&arguments),
        #[cfg(feature = "sandbox")]
        What::Sandbox(arguments) => {
            sandbox::run(&arguments);
            Ok(())
        }
        #[cfg(feature = "sandbox")]
        What::Authenticators(arguments) => {
            authenticators::run(&arguments);
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

//! Benchmarks, run on demand (`cargo xtask bench`) and printed as ratios.
//!
//! Times are CPU time of the thread that makes the calls: the machines are noisy, and wall time
//! would count what others do. What is compared runs in the same process, in turns.
#![allow(clippy::print_stdout, reason = "a command-line program")]

mod cpu;
mod sandbox;
mod table;

use clap::{Parser, Subcommand};

/// Benchmarks of Postern.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// What a fresh component instance costs over a reused one.
    Sandbox(sandbox::Arguments),
}

fn main() {
    match Arguments::parse().what {
        What::Sandbox(arguments) => sandbox::run(&arguments),
    }
}

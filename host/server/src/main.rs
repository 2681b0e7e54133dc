//! The postern binary: listeners, pages, configuration and command line. The composition root:
//! the one place that names the real clock, the operating system's randomness and the modules'
//! implementations.
#![forbid(unsafe_code)]

mod audit;
mod cli;
mod compose;
mod config;
mod edge;
mod listener;
mod live;
mod log;
mod management;
mod metrics;
mod pages;
mod public;
mod reload;
mod system;

fn main() -> std::process::ExitCode {
    cli::run()
}

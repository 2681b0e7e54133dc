//! The postern binary: listeners, pages, configuration and command line. The composition root:
//! the one place that names the real clock, the operating system's randomness and the modules'
//! implementations.
#![forbid(unsafe_code)]

mod audit;
mod authenticators;
mod cli;
mod compose;
mod config;
mod edge;
mod kerberos;
mod listener;
mod live;
mod log;
mod mail;
mod management;
mod metrics;
mod outbound;
mod pages;
mod policies;
mod public;
mod reload;
mod secret_file;
mod system;

fn main() -> std::process::ExitCode {
    cli::run()
}

//! The operational log, on standard error.

use std::io;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Level, Log, LogFormat};

/// Starts the log of the server. Other crates than ours say only what is wrong.
pub(crate) fn start(log: &Log) {
    let level = match log.level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    let targets = Targets::new().with_default(LevelFilter::WARN).with_target("postern", level);
    let registry = registry().with(targets);
    match log.format {
        LogFormat::Text => registry.with(fmt::layer().with_writer(io::stderr)).init(),
        LogFormat::Json => registry.with(fmt::layer().json().with_writer(io::stderr)).init(),
    }
}

/// Commands say what they did themselves: only what is wrong is logged.
pub(crate) fn start_for_command() {
    let targets = Targets::new().with_default(LevelFilter::WARN);
    let layer = fmt::layer().without_time().with_target(false).with_writer(io::stderr);
    // A second start in one process (tests) is no error.
    let _ = registry().with(targets).with(layer).try_init();
}

//! The proxy in the DMZ, whichever it is.
use std::path::{Path, PathBuf};

use crate::envoy::{Envoy, Logged};
use crate::nginx::{self, Nginx};

/// Which proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Envoy.
    Envoy,
    /// nginx with our module.
    Nginx,
}

impl Kind {
    /// Which one a test program is for, by its name: `…_nginx` has the same code as the one without.
    pub fn of_test(program: &str) -> Self {
        if program.ends_with("_nginx") { Self::Nginx } else { Self::Envoy }
    }

    /// Its name for `postern edge config --for`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Envoy => "envoy",
            Self::Nginx => "nginx",
        }
    }
}

/// A running proxy.
pub enum Proxy {
    /// Envoy.
    Envoy(Envoy),
    /// nginx with our module.
    Nginx(Nginx),
}

impl Proxy {
    /// Starts it with a configuration of `postern edge config` for it.
    ///
    /// # Panics
    /// When it does not start: with its log.
    pub fn start(kind: Kind, folder: &Path, configuration: &str, port: u16, access_log: PathBuf) -> Self {
        match kind {
            Kind::Envoy => Self::Envoy(Envoy::start(folder, configuration, port, access_log)),
            Kind::Nginx => Self::Nginx(Nginx::start(folder, configuration, port, access_log)),
        }
    }

    /// Where it listens for clients.
    pub fn port(&self) -> u16 {
        match self {
            Self::Envoy(envoy) => envoy.port,
            Self::Nginx(nginx) => nginx.port,
        }
    }

    /// What it has printed.
    pub fn log(&self) -> String {
        match self {
            Self::Envoy(envoy) => envoy.process.log(),
            Self::Nginx(nginx) => nginx.process.log(),
        }
    }

    /// Whether its process runs.
    pub fn is_running(&mut self) -> bool {
        match self {
            Self::Envoy(envoy) => envoy.process.is_running(),
            Self::Nginx(nginx) => nginx.process.is_running(),
        }
    }

    /// How many requests have been logged.
    pub fn logged(&self) -> usize {
        match self {
            Self::Envoy(envoy) => envoy.logged(),
            Self::Nginx(nginx) => nginx.logged(),
        }
    }

    /// The line of the request after the first `before` ones.
    ///
    /// # Panics
    /// When none comes within ten seconds.
    pub fn logged_after(&self, before: usize) -> Logged {
        match self {
            Self::Envoy(envoy) => envoy.logged_after(before),
            Self::Nginx(nginx) => nginx::as_envoy_logs(&nginx.logged_after(before)),
        }
    }

    /// A line with this reason code, for tests that share the proxy.
    ///
    /// # Panics
    /// When none comes within ten seconds.
    pub fn logged_with(&self, reason: &str) -> Logged {
        match self {
            Self::Envoy(envoy) => envoy.logged_with(reason),
            Self::Nginx(nginx) => {
                let mut found = (0..).map(|index| nginx::as_envoy_logs(&nginx.logged_after(index)));
                found.find(|line| line.reason == reason).expect("an endless search")
            }
        }
    }
}

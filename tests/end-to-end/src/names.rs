//! Host names of several sites that lead to this machine, for the programs of one test alone.
//!
//! Cookies with `SameSite` and the browser's isolation of sites go by registrable names: two ports of `localhost` are
//! one site. Chromium gets the names by `--host-resolver-rules`, every other program by `nss_wrapper`.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools;

/// Names that lead to the loopback interface.
#[derive(Clone, Debug)]
pub struct Names {
    names: Vec<String>,
    hosts: PathBuf,
}

impl Names {
    /// These names, written to a file in the folder.
    ///
    /// # Panics
    /// When it can't be written, or `nss_wrapper` is not installed.
    pub fn new(folder: &Path, names: &[&str]) -> Self {
        tools::existing("/usr/share/doc/libnss-wrapper".into(), "cargo xtask tools");
        let hosts = folder.join("hosts");
        let lines: String = names.iter().map(|name| format!("127.0.0.1 {name}\n")).collect();
        fs::write(&hosts, lines).expect("a folder to write to");
        Self { names: names.iter().map(|name| (*name).to_owned()).collect(), hosts }
    }

    /// The names.
    pub fn all(&self) -> &[String] {
        &self.names
    }

    /// Has the program resolve them.
    pub fn tell(&self, command: &mut Command) {
        command.env("LD_PRELOAD", "libnss_wrapper.so").env("NSS_WRAPPER_HOSTS", &self.hosts);
    }
}

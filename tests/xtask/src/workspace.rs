//! Where things are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The repository on this machine.
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The folder above the current one whose `Cargo.toml` is the workspace's.
    pub(crate) fn find() -> Result<Self, Failure> {
        let here = env::current_dir()
            .map_err(|error| Failure::new(format!("there is no current folder: {error}")))?;
        here.ancestors().find(|folder| is_root(folder)).map(|root| Self { root: root.to_owned() }).ok_or_else(
            || {
                Failure::new(format!("{} is not inside the repository", here.display()))
                    .remedy("change to the folder of the repository")
            },
        )
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// What `cargo xtask build` makes.
    pub(crate) fn artefacts(&self) -> PathBuf {
        self.path("target/postern")
    }
}

fn is_root(folder: &Path) -> bool {
    fs::read_to_string(folder.join("Cargo.toml"))
        .is_ok_and(|text| text.lines().any(|line| line.trim() == "[workspace]"))
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| Failure::file("make the folder", path, &error))
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::file("read", path, &error))
}

/// Writes a file whole, and only when it differs: what watches it sees no change that is none.
pub(crate) fn write_changed(path: &Path, bytes: &[u8]) -> Result<bool, Failure> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    fs::write(&fresh, bytes).map_err(|error| Failure::file("write", &fresh, &error))?;
    fs::rename(&fresh, path).map_err(|error| Failure::file("write", path, &error))?;
    Ok(true)
}

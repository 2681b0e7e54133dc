//! The sources of an nginx: the distribution's own, a folder that is named, or the ones of a version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::suite;
use crate::cargo;
use crate::command::output;
use crate::failure::Failure;
use crate::progress::note;
use crate::tools::apt;
use crate::workspace::{Workspace, make_folder, write_changed};

/// Where Debian's nginx-dev has the sources, and how its nginx was configured.
const DEBIAN: &str = "/usr/share/nginx/src";

/// The crate that carries nginx's release of one line (nginx-sys takes its sources from there too).
const CRATE: &str = "nginx-src";

pub(crate) struct Source {
    pub(crate) folder: PathBuf,
    /// x.y.z
    pub(crate) version: String,
    /// The nginx that was made of it; none where there are only sources.
    pub(crate) program: Option<suite::Program>,
    /// What its package is called in the distribution's dependencies.
    pub(crate) abi: Option<String>,
}

impl Source {
    /// The distribution's.
    pub(crate) fn installed() -> Result<Self, Failure> {
        apt::need(&apt::FOR_NGINX)?;
        let folder = PathBuf::from(DEBIAN);
        let version = version(&folder)?;
        let program = Some(suite::Program::installed());
        let provides =
            output(Command::new("dpkg-query").args(["--show", "--showformat=${Provides}", "nginx"]));
        let abi = provides.ok().and_then(|text| suite::abi(&String::from_utf8_lossy(&text)));
        Ok(Self { folder, version, program, abi })
    }

    pub(crate) fn of_folder(folder: &Path) -> Result<Self, Failure> {
        Ok(Self { folder: folder.to_owned(), version: version(folder)?, program: None, abi: None })
    }

    /// The sources of a version, `1.26.3`, or of the newest of a line, `1.26`, from wherever they are
    /// to be had: what is installed, another release of Debian, the crate.
    pub(crate) fn of_version(workspace: &Workspace, wanted: &str) -> Result<Self, Failure> {
        if let Ok(installed) = Self::installed()
            && is(wanted, &installed.version)
        {
            return Ok(installed);
        }
        let offers = suite::offers(workspace)?;
        if let Some(offer) = offers.iter().find(|offer| is(wanted, &offer.nginx)) {
            let suite = suite::fetch(workspace, offer)?;
            let folder = suite.root.join("usr/share/nginx/src");
            let version = version(&folder)?;
            return Ok(Self { folder, version, program: Some(suite.program()), abi: suite.abi });
        }
        if let Some(folder) = of_crate(workspace, wanted)? {
            return Self::of_folder(&folder);
        }
        let list: Vec<&str> = offers.iter().map(|offer| offer.nginx.as_str()).collect();
        Err(Failure::new(format!(
            "nginx {wanted} is not to be had here: Debian has {}, the crate {CRATE} another line",
            list.join(", ")
        ))
        .remedy("unpack its sources, and name them: --nginx-source FOLDER"))
    }
}

/// `1.26` stands for each 1.26.x.
pub(crate) fn is(wanted: &str, version: &str) -> bool {
    version.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// `#define NGINX_VERSION "1.22.1"`
fn version(source: &Path) -> Result<String, Failure> {
    let file = source.join("src/core/nginx.h");
    let text = fs::read_to_string(&file).map_err(|error| Failure::file("read", &file, &error))?;
    text.lines()
        .find_map(|line| {
            line.strip_prefix("#define NGINX_VERSION")?.trim().strip_prefix('"')?.strip_suffix('"')
        })
        .map(str::to_owned)
        .ok_or_else(|| Failure::new(format!("{} names no version of nginx", file.display())))
}

/// Cargo fetches it, as it does every crate. None: it has no such version.
fn of_crate(workspace: &Workspace, wanted: &str) -> Result<Option<PathBuf>, Failure> {
    let line: String = wanted.split('.').take(2).collect::<Vec<_>>().join(".");
    let folder = workspace.artefacts().join(format!("nginx/crate-{line}"));
    make_folder(&folder.join("src"))?;
    let manifest = format!(
        "[package]\nname = \"fetch-nginx\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\n{CRATE} = \"~{line}\"\n\n[workspace]\n"
    );
    write_changed(&folder.join("Cargo.toml"), manifest.as_bytes())?;
    write_changed(&folder.join("src/lib.rs"), b"")?;
    let mut metadata = cargo::command(workspace);
    metadata.args(["metadata", "--format-version", "1", "--manifest-path"]).arg(folder.join("Cargo.toml"));
    let Ok(printed) = output(&mut metadata) else { return Ok(None) };
    let printed: Value = serde_json::from_slice(&printed)
        .map_err(|error| Failure::new(format!("cargo metadata printed no JSON: {error}")))?;
    let packages = printed["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let manifest = packages.iter().find(|package| package["name"] == CRATE);
    let Some(manifest) = manifest.and_then(|package| package["manifest_path"].as_str()) else {
        return Ok(None);
    };
    let sources = Path::new(manifest).with_file_name("nginx");
    let found = version(&sources)?;
    if !is(wanted, &found) {
        return Ok(None);
    }
    note(format_args!("nginx {found} of the crate {CRATE}"));
    Ok(Some(sources))
}

#[cfg(test)]
mod tests {
    use super::is;

    #[test]
    fn a_line_stands_for_its_releases() {
        assert!(is("1.26", "1.26.3") && is("1.26.3", "1.26.3"));
        assert!(!is("1.2", "1.26.3") && !is("1.26.3", "1.26.30") && !is("1.26.3", "1.26"));
    }
}

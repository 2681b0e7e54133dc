//! The configurations under `examples/edge` are loaded by Envoy, filters and all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Run;
use crate::certificates::Certificates;
use crate::command::output;
use crate::failure::Failure;
use crate::progress::note;
use crate::workspace::make_folder;

pub(super) fn run(context: &Run<'_>) -> Result<(), Failure> {
    let envoy = &context.peers()?.envoy;
    let folder = context.workspace.path("target/postern/examples");
    let certificates = Certificates::make(&folder.join("tls"))?;
    let examples = configurations(&context.workspace.path("examples/edge"))?;
    for example in &examples {
        let text = fs::read_to_string(example).map_err(|error| Failure::file("read", example, &error))?;
        let filters = context.workspace.artefacts().join("filters");
        let here = in_place(&text, &filters, &certificates);
        let file = folder.join("envoy.yaml");
        make_folder(&folder)?;
        fs::write(&file, here).map_err(|error| Failure::file("write", &file, &error))?;
        output(Command::new(envoy).args(["--mode", "validate", "--config-path"]).arg(&file))?;
        note(example.display());
    }
    if examples.is_empty() {
        return Err(Failure::new("there is no example to load"));
    }
    Ok(())
}

/// With the files of this machine instead of those of the example's.
fn in_place(text: &str, filters: &Path, certificates: &Certificates) -> String {
    [
        ("/usr/lib/postern/filters", filters.to_owned()),
        ("/etc/envoy/sso.crt", certificates.certificate("edge")),
        ("/etc/envoy/sso.key", certificates.key("edge")),
        ("/etc/envoy/lan-ca.crt", certificates.certificate("lan-ca")),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, &to.to_string_lossy()))
}

/// Every `envoy.yaml` one folder below.
fn configurations(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| Failure::file("list", folder, &error))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("envoy.yaml"))
        .filter(|file| file.is_file())
        .collect();
    found.sort();
    Ok(found)
}

//! Which nginx a program is.

use std::path::Path;
use std::process::Command;

use postern_edge::NginxVersion;

use super::Failure;

/// Asks the program.
pub(super) fn ask(program: &Path) -> Result<NginxVersion, Failure> {
    let name = program.display();
    let output = Command::new(program)
        .arg("-v")
        .output()
        .map_err(|error| Failure::new(format!("{name} -v: {error}")))?;
    // nginx says it where errors go.
    NginxVersion::of_banner(&String::from_utf8_lossy(&output.stderr))
        .ok_or_else(|| Failure::new(format!("{name} tells no version that can be read")))
}

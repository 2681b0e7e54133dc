//! Envoy in the DMZ, configured by what the host writes and nothing else.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Place;
use super::host::Host;
use super::processes::Processes;
use crate::command::output;
use crate::failure::Failure;

pub(crate) fn start(
    place: &Place<'_>,
    host: &Host,
    envoy: &Path,
    processes: &mut Processes<'_>,
) -> Result<(), Failure> {
    let configuration = place.file("envoy.yaml");
    let written = output(host.command().args(["edge", "config", "--for", "envoy"]))?;
    fs::write(&configuration, written).map_err(|error| Failure::file("write", &configuration, &error))?;
    let mut command = Command::new(envoy);
    command
        .arg("--config-path")
        .arg(&configuration)
        // Two demos side by side share nothing; one worker is one V8 less to start.
        .args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "info"]);
    processes.start("envoy", command, place.ports.edge)
}

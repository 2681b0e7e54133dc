//! The proxy in the DMZ, configured by what the host writes and nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Place;
use super::host::Host;
use super::processes::Processes;
use crate::command::output;
use crate::failure::Failure;
use crate::workspace::make_folder;

/// Which proxy, and where it is.
pub(crate) enum Proxy {
    Envoy(PathBuf),
    /// The distribution's nginx, and our module for it.
    Nginx(PathBuf),
}

impl Proxy {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Envoy(_) => "Envoy",
            Self::Nginx(_) => "nginx",
        }
    }

    pub(crate) fn start(
        &self,
        place: &Place<'_>,
        host: &Host,
        processes: &mut Processes<'_>,
    ) -> Result<(), Failure> {
        match self {
            Self::Envoy(program) => envoy(program, place, host, processes),
            Self::Nginx(module) => nginx(module, place, host, processes),
        }
    }
}

fn envoy(
    program: &Path,
    place: &Place<'_>,
    host: &Host,
    processes: &mut Processes<'_>,
) -> Result<(), Failure> {
    let configuration = place.file("envoy.yaml");
    let written = output(host.command().args(["edge", "config", "--for", "envoy"]))?;
    write(&configuration, &written)?;
    let mut command = Command::new(program);
    command
        .arg("--config-path")
        .arg(&configuration)
        // Two demos side by side share nothing; one worker is one V8 less to start.
        .args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "info"]);
    processes.start("envoy", command, place.ports.edge)
}

fn nginx(
    module: &Path,
    place: &Place<'_>,
    host: &Host,
    processes: &mut Processes<'_>,
) -> Result<(), Failure> {
    let written = output(host.command().args(["edge", "config", "--for", "nginx"]))?;
    let text = String::from_utf8(written)
        .map_err(|error| Failure::new(format!("the configuration of nginx is not UTF-8: {error}")))?;
    let folder = place.file("nginx");
    make_folder(&folder)?;
    let configuration = folder.join("nginx.conf");
    write(&configuration, at_home(&text, &folder, module)?.as_bytes())?;
    let mut command = Command::new("/usr/sbin/nginx");
    command.arg("-p").arg(&folder).arg("-c").arg(&configuration).args(["-g", "daemon off;"]);
    processes.start("nginx", command, place.ports.edge)
}

/// What is the machine's in the configuration becomes the demo's; what it does to requests stays.
fn at_home(text: &str, folder: &Path, module: &Path) -> Result<String, Failure> {
    let place = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("  {kind}_temp_path {place}/{kind};\n"))
        .collect();
    // The folder is ours alone: workers stay who we are.
    let user = if is_root()? { "user root;" } else { "" };
    [
        ("load_module modules/ngx_http_postern_module.so;", format!("load_module {};", module.display())),
        ("user www-data;", user.to_owned()),
        ("pid /run/nginx.pid;", format!("pid {place}/nginx.pid;")),
        ("worker_processes auto;", "worker_processes 1;".to_owned()),
        ("http {\n", format!("http {{\n{temporary}")),
    ]
    .iter()
    .try_fold(text.to_owned(), |text, (from, to)| {
        if text.contains(from) {
            Ok(text.replacen(from, to, 1))
        } else {
            Err(Failure::new(format!("the configuration of nginx has no `{from}`")))
        }
    })
}

fn is_root() -> Result<bool, Failure> {
    Ok(output(Command::new("id").arg("--user"))?.trim_ascii() == b"0")
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(file, bytes).map_err(|error| Failure::file("write", file, &error))
}

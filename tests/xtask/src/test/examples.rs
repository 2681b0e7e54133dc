//! What the policies under `examples/edge` give is loaded by Envoy and nginx, filters and all, and by Apache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Run;
use crate::certificates::Certificates;
use crate::command::output;
use crate::failure::Failure;
use crate::nginx;
use crate::progress::note;
use crate::workspace::make_folder;

pub(super) fn run(context: &Run<'_>) -> Result<(), Failure> {
    let envoy = &context.peers()?.envoy;
    let postern = context.workspace.path("target/debug/postern");
    let folder = context.workspace.path("target/postern/examples");
    let certificates = Certificates::make(&folder.join("tls"))?;
    let module = nginx::make(context.workspace, &nginx::Arguments::default())?.file;
    let policies = policies(&context.workspace.path("examples/edge"))?;
    let filters = context.workspace.artefacts().join("filters");
    for policy in &policies {
        let configuration = |proxy: &str| {
            let mut command = Command::new(&postern);
            command.args(["edge", "config", "--for", proxy, "--policy"]).arg(policy);
            output(&mut command)
                .map(|text| in_place(&String::from_utf8_lossy(&text), &filters, &certificates))
        };
        make_folder(&folder)?;
        let file = written(&folder.join("envoy.yaml"), &configuration("envoy")?)?;
        output(Command::new(envoy).args(["--mode", "validate", "--config-path"]).arg(&file))?;
        let text = nginx_at_home(&folder, &configuration("nginx")?, &module);
        let file = written(&folder.join("nginx.conf"), &text)?;
        let mut command = Command::new("/usr/sbin/nginx");
        // Secrets come from the environment: the examples name theirs.
        for name in secrets(&text) {
            command.env(name, "a secret of the examples");
        }
        output(command.arg("-t").arg("-p").arg(&folder).arg("-c").arg(&file))?;
        let text = apache(&folder, &configuration("apache")?);
        let file = written(&folder.join("apache.conf"), &text)?;
        output(Command::new("/usr/sbin/apache2").args(["-t", "-f"]).arg(&file))?;
        note(policy.display());
    }
    if policies.is_empty() {
        return Err(Failure::new("there is no example to load"));
    }
    Ok(())
}

fn written(file: &Path, text: &str) -> Result<PathBuf, Failure> {
    fs::write(file, text).map_err(|error| Failure::file("write", file, &error))?;
    Ok(file.to_owned())
}

/// What is the machine's in it becomes the folder's.
fn nginx_at_home(folder: &Path, text: &str, module: &Path) -> String {
    let place = folder.display();
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary: String =
        kinds.iter().map(|kind| format!("  {kind}_temp_path {place}/{kind};\n")).collect();
    // The nodes of the examples are nowhere, and nginx asks for their addresses.
    let text: String = text.lines().map(|line| format!("{}\n", on_this_machine(line))).collect();
    text.replace("modules/ngx_http_postern_module.so", &module.to_string_lossy())
        .replace("pid /run/nginx.pid;", &format!("pid {place}/nginx.pid;"))
        .replacen("http {\n", &format!("http {{\n{temporary}"), 1)
}

/// A line with `https://HOST:PORT` or `server HOST:PORT` that names this machine.
fn on_this_machine(line: &str) -> String {
    let is_server = line.trim_start().starts_with("server ") && line.contains(':');
    let is_cluster = line.trim_start().starts_with("postern_cluster ");
    let words = line.split(' ').map(|word| {
        let place = word.strip_prefix("https://").filter(|_| is_cluster);
        match (place.or(is_server.then_some(word)), word.rsplit_once(':')) {
            (Some(_), Some((_, port))) if is_cluster => format!("https://127.0.0.1:{port}"),
            (Some(_), Some((_, port))) => format!("127.0.0.1:{port}"),
            _ => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// `postern_environment NAME;`
fn secrets(text: &str) -> Vec<&str> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("postern_environment "));
    lines.map(|name| name.trim_end_matches(';')).collect()
}

/// What Debian's own configuration has beside ours.
fn apache(folder: &Path, text: &str) -> String {
    const MODULES: &str = "/usr/lib/apache2/modules";
    let folder = folder.display();
    // A key and a certificate in one file are the operator's to make.
    let text: String = text
        .replace(" modules/", &format!(" {MODULES}/"))
        .lines()
        .filter(|line| !line.contains("SSLProxyMachineCertificateFile"))
        .map(|line| format!("{line}\n"))
        .collect();
    format!(
        "ServerRoot {folder}\nServerName 127.0.0.1\nPidFile {folder}/apache.pid\nDefaultRuntimeDir {folder}\n\
         ErrorLog /dev/stderr\nUser www-data\nGroup www-data\n\
         LoadModule mpm_event_module {MODULES}/mod_mpm_event.so\n\
         LoadModule authz_core_module {MODULES}/mod_authz_core.so\n{text}"
    )
}

/// With the files of this machine instead of those of the example's.
fn in_place(text: &str, filters: &Path, certificates: &Certificates) -> String {
    [
        ("/usr/lib/postern/filters", filters.to_owned()),
        ("/var/log/envoy/access.log", PathBuf::from("/dev/null")),
        ("/etc/envoy/sso.crt", certificates.certificate("edge")),
        ("/etc/envoy/sso.key", certificates.key("edge")),
        ("/etc/envoy/edge.crt", certificates.certificate("edge-client")),
        ("/etc/envoy/edge.key", certificates.key("edge-client")),
        ("/etc/envoy/lan-ca.crt", certificates.certificate("lan-ca")),
        ("/etc/envoy/sp-ca.crt", certificates.certificate("lan-ca")),
        ("/etc/envoy/partner-ca.crt", certificates.certificate("lan-ca")),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, &to.to_string_lossy()))
}

/// Every `postern-edge.toml` one folder below.
fn policies(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| Failure::file("list", folder, &error))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("postern-edge.toml"))
        .filter(|file| file.is_file())
        .collect();
    found.sort();
    Ok(found)
}

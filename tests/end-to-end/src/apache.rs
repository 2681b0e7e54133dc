//! A private Apache: own configuration, one process, an ephemeral port.
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::process::Process;
use crate::tools;

/// Where Debian keeps the modules.
const MODULES: &str = "/usr/lib/apache2/modules";

/// A running Apache.
pub struct Apache {
    /// The process.
    pub process: Process,
    /// Where it listens.
    pub port: u16,
}

impl Apache {
    /// Starts Apache at the port with a module (`auth_mellon`, `auth_openidc`) and its part of the
    /// configuration. `/protected/` shows who is signed in, in the header `x-user`.
    ///
    /// # Panics
    /// When it does not start: with its log.
    pub fn start(folder: &Path, port: u16, module: &str, configuration: &str) -> Self {
        let documents = folder.join("documents");
        fs::create_dir_all(documents.join("protected")).expect("a folder to write to");
        fs::write(documents.join("protected/index.html"), "the protected page\n")
            .expect("a folder to write to");
        fs::write(documents.join("index.html"), "the open page\n").expect("a folder to write to");
        let module_file = tools::existing(
            Path::new(MODULES).join(format!("mod_{module}.so")),
            &format!("`cargo xtask tools`, or `apt-get install libapache2-mod-{}`", module.replace('_', "-")),
        );
        let text = format!(
            r#"ServerRoot {folder:?}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {pid:?}
DefaultRuntimeDir {folder:?}
ErrorLog /dev/stderr
LogLevel info
LoadModule mpm_event_module {MODULES}/mod_mpm_event.so
LoadModule authn_core_module {MODULES}/mod_authn_core.so
LoadModule authz_core_module {MODULES}/mod_authz_core.so
LoadModule authz_user_module {MODULES}/mod_authz_user.so
LoadModule dir_module {MODULES}/mod_dir.so
LoadModule headers_module {MODULES}/mod_headers.so
LoadModule {module}_module {module_file:?}
# Apache started as root gives that up; nobody else may name a user.
{user}
DocumentRoot {documents:?}
DirectoryIndex index.html
<Location /protected>
  Require valid-user
  Header always set X-User "expr=%{{REMOTE_USER}}"
</Location>
{configuration}
"#,
            pid = folder.join("apache.pid"),
            user = if rustix::process::getuid().is_root() { "User www-data\nGroup www-data" } else { "" },
        );
        let file = folder.join("apache.conf");
        fs::write(&file, text).expect("a folder to write to");
        make_readable(folder);
        let mut command = Command::new(tools::program("apache2", "apache2"));
        // One process, in the foreground: its id is the one to stop.
        command.arg("-X").arg("-f").arg(&file);
        let mut process = Process::start("apache2", &command, &folder.join("apache.log"));
        process.wait_for_port(port);
        Self { process, port }
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

/// Apache reads after it has given up root.
fn make_readable(folder: &Path) {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o755));
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let _ = fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o644));
            }
        }
    }
}

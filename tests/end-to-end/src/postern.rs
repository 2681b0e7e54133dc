//! The real `postern`, with a configuration of its own.
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustls::ClientConfig;
use serde_json::Value;

use crate::certificates::{Authority, Issued};
use crate::client::Origin;
use crate::names::Names;
use crate::process::{Process, free_port};
use crate::tools;

/// The name in the certificate of the public listener.
pub const LAN_NAME: &str = "postern.lan";

/// An installation in a folder. It is configured by its command line, as operators do.
pub struct Postern {
    folder: PathBuf,
    /// Issued everything in the LAN: the listeners' certificates and the proxy's.
    pub lan: Authority,
    host: Issued,
    proxy: Issued,
    /// The port of the public listener.
    pub public_port: u16,
    /// The port of the management listener.
    pub management_port: u16,
    /// The public origin.
    pub base_url: String,
    names: Option<Names>,
    process: Option<Process>,
}

/// What an application was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The protocol's identifier.
    pub identifier: String,
    /// Its secret, when it needs one.
    pub secret: Option<String>,
}

impl Postern {
    /// Writes the configuration of an installation at this public origin, and has it checked.
    /// `settings` is more TOML for its end.
    ///
    /// # Panics
    /// When `postern check` does not accept it, or something is not built.
    pub fn configure(folder: &Path, base_url: &str, settings: &str) -> Self {
        Self::at(folder, base_url, free_port(), settings, None)
    }

    /// The same without a proxy in front: its public listener is the public origin.
    ///
    /// # Panics
    /// As [`Postern::configure`].
    pub fn alone(folder: &Path, settings: &str) -> Self {
        let port = free_port();
        Self::at(folder, &format!("https://localhost:{port}"), port, settings, None)
    }

    /// The same at one of these names.
    ///
    /// # Panics
    /// As [`Postern::configure`].
    pub fn alone_at(folder: &Path, name: &str, names: &Names) -> Self {
        let port = free_port();
        Self::at(folder, &format!("https://{name}:{port}"), port, "", Some(names))
    }

    /// As [`Postern::configure`], of a program that knows these names.
    ///
    /// # Panics
    /// As [`Postern::configure`].
    pub fn configure_with(folder: &Path, base_url: &str, names: &Names, settings: &str) -> Self {
        Self::at(folder, base_url, free_port(), settings, Some(names))
    }

    fn at(folder: &Path, base_url: &str, public_port: u16, settings: &str, names: Option<&Names>) -> Self {
        fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let lan = Authority::new(folder, "lan");
        let postern = Self {
            folder: folder.into(),
            host: lan.issue("host", &[&[LAN_NAME, "localhost"], other_name(base_url).as_slice()].concat()),
            proxy: lan.issue("proxy", &["proxy.dmz"]),
            lan,
            public_port,
            management_port: free_port(),
            base_url: base_url.into(),
            names: names.cloned(),
            process: None,
        };
        let text = format!("{}\n{settings}", postern.configuration());
        fs::write(postern.configuration_file(), text).expect("a folder to write to");
        postern.run(&["check"]);
        postern
    }

    /// Starts `postern serve`.
    ///
    /// # Panics
    /// When it does not listen within a minute.
    pub fn start(&mut self) {
        let mut command = self.command();
        command.arg("serve");
        let mut process = Process::start("postern", &command, &self.folder.join("postern.log"));
        process.wait_for_port(self.public_port);
        process.wait_for_port(self.management_port);
        self.process = Some(process);
    }

    /// Stops it.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Runs a command of `postern` and gives back what it printed.
    ///
    /// # Panics
    /// When it fails: with what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().expect("postern runs");
        printed(arguments, &output)
    }

    /// Runs a command that is to fail, and gives back what it said on standard error.
    ///
    /// # Panics
    /// When it does not fail.
    pub fn fails(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().expect("postern runs");
        assert!(!output.status.success(), "postern {} did not fail", arguments.join(" "));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Adds a person.
    ///
    /// # Panics
    /// When the command fails.
    pub fn add_user(&self, name: &str, password: &str) {
        self.add_user_with(name, password, &[]);
    }

    /// The same with further arguments, such as `--claim groups=staff`.
    ///
    /// # Panics
    /// When the command fails.
    pub fn add_user_with(&self, name: &str, password: &str, further: &[&str]) {
        let email = format!("{name}@example.com");
        let arguments = [
            "user",
            "add",
            name,
            "--email",
            &email,
            "--given-name",
            "Alice",
            "--family-name",
            "Example",
            "--password-stdin",
        ];
        let arguments = [&arguments, further].concat();
        let mut child = self
            .command()
            .args(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("postern runs");
        let mut input = child.stdin.take().expect("a pipe");
        writeln!(input, "{password}").expect("postern reads the password");
        drop(input);
        printed(&arguments, &child.wait_with_output().expect("postern ends"));
    }

    /// Registers an application from what its module reads: SAML metadata or JSON.
    ///
    /// # Panics
    /// When the command fails.
    pub fn add_application(&self, module: &str, name: &str, source: &str) -> Application {
        let file = self.folder.join(format!("{}.source", name.replace(' ', "-")));
        fs::write(&file, source).expect("a folder to write to");
        let path = file.to_string_lossy();
        let printed = self.run(&["app", "add", module, "--name", name, "--source", &path]);
        let value = |wanted: &str| {
            printed.lines().find_map(|line| {
                let (label, value) = line.split_once(": ")?;
                (label == wanted).then(|| value.to_owned())
            })
        };
        let identifier = value("client_id").or_else(|| value("identifier"));
        Application {
            identifier: identifier.unwrap_or_else(|| panic!("no identifier in {printed}")),
            secret: value("client_secret"),
        }
    }

    /// The public listener itself, as the proxy reaches it. Without `proxy`: no client certificate.
    pub fn public(&self, proxy: bool) -> Origin {
        Origin::tls(self.public_port, LAN_NAME, self.lan.client(proxy.then_some(&self.proxy)))
    }

    /// TLS as the proxy does it: with its certificate.
    pub fn proxy_tls(&self) -> ClientConfig {
        self.lan.client(Some(&self.proxy))
    }

    /// The management listener.
    pub fn management(&self) -> Origin {
        Origin::tls(self.management_port, "localhost", self.lan.client(None))
    }

    /// The audit log's events so far.
    ///
    /// # Panics
    /// When a line is no JSON.
    pub fn audit(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.join("state/audit.jsonl")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
            .collect()
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        self.process.as_ref().map(Process::log).unwrap_or_default()
    }

    /// The folder with everything.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn command(&self) -> Command {
        let mut command = Command::new(tools::postern());
        command.arg("--config").arg(self.configuration_file());
        if let Some(names) = &self.names {
            names.tell(&mut command);
        }
        command
    }

    fn configuration_file(&self) -> PathBuf {
        self.folder.join("postern.toml")
    }

    /// Paths are written as TOML strings the way Rust writes them: test folders have no odd names.
    fn configuration(&self) -> String {
        let modules = tools::component("components/saml2");
        let authenticators = tools::component("authenticators/password");
        format!(
            r#"base_url = "{base_url}"

[public]
listen = "127.0.0.1:{public}"
certificate = {certificate:?}
key = {key:?}
client_ca = {authority:?}

[management]
listen = "127.0.0.1:{management}"
certificate = {certificate:?}
key = {key:?}

[modules]
directory = {modules:?}
cache = {cache:?}
enabled = ["saml2", "oidc"]

[authenticators]
directory = {authenticators:?}
enabled = ["password"]
"#,
            base_url = self.base_url,
            public = self.public_port,
            management = self.management_port,
            certificate = self.host.certificate_file,
            key = self.host.key_file,
            authority = self.lan.certificate_file(),
            modules = modules.parent().expect("a folder"),
            // Compiled once for all tests.
            cache = tools::target().join("tmp/postern-cache"),
            authenticators = authenticators.parent().expect("a folder"),
        )
    }

    /// The section `[edge]`, for a proxy that listens at the port with this certificate.
    ///
    /// # Panics
    /// When the filters are not built.
    pub fn edge_section(&self, port: u16, edge: &Issued, access_log: &Path) -> String {
        format!(
            r#"
[edge]
listen = "127.0.0.1:{port}"
certificate = {certificate:?}
key = {key:?}
upstream = "127.0.0.1:{upstream}"
upstream_name = "{LAN_NAME}"
upstream_ca = {authority:?}
client_certificate = {client_certificate:?}
client_key = {client_key:?}
filters = {filters:?}
access_log = {access_log:?}
"#,
            certificate = edge.certificate_file,
            key = edge.key_file,
            upstream = self.public_port,
            authority = self.lan.certificate_file(),
            client_certificate = self.proxy.certificate_file,
            client_key = self.proxy.key_file,
            filters = tools::filter("endpoint-filter").parent().expect("a folder"),
        )
    }

    /// The certificate of its public listener.
    pub fn certificate_file(&self) -> &Path {
        &self.host.certificate_file
    }

    /// Adds to the configuration file.
    ///
    /// # Panics
    /// When it can't be written.
    pub fn append(&self, text: &str) {
        let mut file = fs::OpenOptions::new().append(true).open(self.configuration_file()).expect("the file");
        file.write_all(text.as_bytes()).expect("a folder to write to");
    }
}

/// The host's name in an origin, unless it is `localhost`.
fn other_name(base_url: &str) -> Option<&str> {
    let authority = base_url.trim_start_matches("https://");
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    (host != "localhost").then_some(host)
}

fn printed(arguments: &[&str], output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "postern {}: {}\n{text}{}",
        arguments.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

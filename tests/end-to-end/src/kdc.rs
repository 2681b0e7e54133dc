//! A KDC of MIT Kerberos, with one realm.
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{Process, free_port};

/// The realm.
pub const REALM: &str = "EXAMPLE.TEST";
const PASSWORD: &str = "correct horse battery staple";

/// A KDC that runs.
pub struct Kdc {
    folder: PathBuf,
    _process: Process,
}

impl Kdc {
    /// Starts one with this state. `host` is a name whose services are of its realm.
    ///
    /// # Panics
    /// When it does not start, or is not installed.
    pub fn start(folder: &Path, host: &str) -> Self {
        fs::create_dir_all(folder).expect("a folder to write to");
        let (at, port) = (folder.display(), free_port());
        let client = format!(
            "[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\ndns_lookup_realm = false\n\
             dns_canonicalize_hostname = false\nrdns = false\nudp_preference_limit = 1\n\
             [domain_realm]\n{host} = {REALM}\n[realms]\n{REALM} = {{\n  kdc = 127.0.0.1:{port}\n}}\n"
        );
        let own = format!(
            "[kdcdefaults]\nkdc_listen = \"\"\nkdc_tcp_listen = 127.0.0.1:{port}\n[realms]\n{REALM} = {{\n  \
             database_name = {at}/db\n  key_stash_file = {at}/stash\n  acl_file = {at}/acl\n  \
             supported_enctypes = aes256-cts:normal aes128-cts:normal\n}}\n"
        );
        fs::write(folder.join("krb5.conf"), client).expect("a folder to write to");
        fs::write(folder.join("kdc.conf"), own).expect("a folder to write to");
        run(command(folder, "/usr/sbin/kdb5_util").args(["create", "-s", "-W", "-r", REALM, "-P", PASSWORD]));
        let mut kdc = command(folder, "/usr/sbin/krb5kdc");
        kdc.args(["-n", "-r", REALM]);
        let mut process = Process::start("krb5kdc", &kdc, &folder.join("kdc.log"));
        process.wait_for_port(port);
        Self { folder: folder.into(), _process: process }
    }

    /// Has a person.
    ///
    /// # Panics
    /// When it can't be written down.
    pub fn person(&self, name: &str) {
        self.admin(&format!("addprinc -pw \"{PASSWORD}\" {name}"));
    }

    /// Has a service, such as `HTTP/localhost`; the file with its keys, its owner's alone.
    ///
    /// # Panics
    /// As [`Kdc::person`].
    pub fn service(&self, name: &str) -> PathBuf {
        let keytab = self.folder.join(format!("{}.keytab", name.replace('/', "-")));
        self.admin(&format!("addprinc -randkey {name}"));
        self.admin(&format!("ktadd -k {} {name}", keytab.display()));
        fs::set_permissions(&keytab, Permissions::from_mode(0o600)).expect("a keytab");
        keytab
    }

    /// The person types their password at their own machine. A program there has their tickets.
    ///
    /// # Panics
    /// When the KDC does not accept it.
    pub fn signed_in(&self, name: &str, program: &str) -> Command {
        let cache = format!("FILE:{}/{}.cache", self.folder.display(), name.replace('/', "-"));
        let mut kinit = command(&self.folder, "kinit");
        kinit.env("KRB5CCNAME", &cache).arg(name).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut kinit = kinit.spawn().expect("kinit: cargo xtask tools");
        writeln!(kinit.stdin.take().expect("a pipe"), "{PASSWORD}").expect("kinit reads the password");
        assert!(kinit.wait().expect("kinit ends").success(), "kinit {name}");
        let mut command = command(&self.folder, program);
        command.env("KRB5CCNAME", &cache);
        command
    }

    fn admin(&self, query: &str) {
        let printed = run(command(&self.folder, "/usr/sbin/kadmin.local").args(["-r", REALM, "-q", query]));
        assert!(!printed.contains("rror"), "{query}: {printed}");
    }
}

fn command(folder: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("KRB5_CONFIG", folder.join("krb5.conf")).env("KRB5_KDC_PROFILE", folder.join("kdc.conf"));
    command
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}: cargo xtask tools"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let printed = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{command:?}: {printed}");
    printed
}

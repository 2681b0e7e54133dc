//! Debian packages.

use std::path::Path;
use std::process::Command;

use super::on_path;
use crate::command::{output, run};
use crate::failure::Failure;
use crate::progress::note;

/// A package and how to see that it is there, however it was installed.
pub(crate) struct Package {
    name: &'static str,
    proof: Proof,
}

enum Proof {
    Program(&'static str),
    File(&'static str),
}

const fn program(name: &'static str, program: &'static str) -> Package {
    Package { name, proof: Proof::Program(program) }
}

const fn file(name: &'static str, file: &'static str) -> Package {
    Package { name, proof: Proof::File(file) }
}

pub(crate) const FOR_DEMO: [Package; 1] = [program("openssl", "openssl")];

pub(crate) const FOR_BROWSER: [Package; 1] = [program("chromium", "chromium")];

/// The peers and oracles of the tests.
pub(crate) const FOR_TESTS: [Package; 14] = [
    program("openssl", "openssl"),
    program("chromium", "chromium"),
    program("curl", "curl"),
    file("krb5-admin-server", "/usr/sbin/kadmin.local"),
    file("krb5-kdc", "/usr/sbin/krb5kdc"),
    program("krb5-user", "kinit"),
    file("libnss-wrapper", "/usr/share/doc/libnss-wrapper"),
    program("xmlsec1", "xmlsec1"),
    program("libxml2-utils", "xmllint"),
    file("opensaml-schemas", "/usr/share/xml/opensaml/saml-schema-protocol-2.0.xsd"),
    file("xmltooling-schemas", "/usr/share/xml/xmltooling/xmldsig-core-schema.xsd"),
    file("apache2", "/usr/sbin/apache2"),
    file("libapache2-mod-auth-mellon", "/usr/lib/apache2/modules/mod_auth_mellon.so"),
    file("libapache2-mod-auth-openidc", "/usr/lib/apache2/modules/mod_auth_openidc.so"),
];

/// nginx, the sources that its modules are built from, and what reads these.
pub(crate) const FOR_NGINX: [Package; 3] = [
    file("nginx", "/usr/sbin/nginx"),
    file("nginx-dev", "/usr/share/nginx/src/conf_flags"),
    file("libclang-dev", "/usr/share/doc/libclang-dev"),
];

/// What its filters are compared with.
pub(crate) const FOR_NGINX_BENCH: [Package; 1] =
    [file("libnginx-mod-http-lua", "/usr/lib/nginx/modules/ngx_http_lua_module.so")];

/// Installs what is missing of these packages.
pub(crate) fn need(packages: &[Package]) -> Result<(), Failure> {
    let missing: Vec<&str> =
        packages.iter().filter(|package| !package.present()).map(|package| package.name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing)?;
    match packages.iter().find(|package| !package.present()) {
        None => Ok(()),
        Some(package) => Err(Failure::new(format!(
            "{} was installed, but {} is not there",
            package.name,
            package.proof.describe()
        ))),
    }
}

/// Installs packages by name.
pub(crate) fn install(names: &[&str]) -> Result<(), Failure> {
    let list = names.join(" ");
    let remedy = format!("install them: apt-get install {list}");
    if on_path("apt-get").is_none() {
        return Err(Failure::new(format!("missing: {list}, and this is no Debian to install them"))
            .remedy("install the same software by your system's packages"));
    }
    note(format_args!("apt-get install {list}"));
    run(apt_get()?.args(["update", "--quiet"])).map_err(|failure| failure.remedy(&remedy))?;
    let mut install = apt_get()?;
    install.args(["install", "--yes", "--quiet", "--no-install-recommends"]);
    run(install.args(names)).map_err(|failure| failure.remedy(&remedy))
}

/// `apt-get` as root.
fn apt_get() -> Result<Command, Failure> {
    let uid = output(Command::new("id").arg("--user"))?;
    let mut command = if uid.trim_ascii() == b"0" {
        let mut command = Command::new("env");
        command.arg("DEBIAN_FRONTEND=noninteractive");
        command
    } else {
        let mut command = Command::new("sudo");
        command.args(["--non-interactive", "env", "DEBIAN_FRONTEND=noninteractive"]);
        command
    };
    command.arg("apt-get");
    Ok(command)
}

impl Package {
    fn present(&self) -> bool {
        match self.proof {
            Proof::Program(name) => on_path(name).is_some(),
            Proof::File(path) => Path::new(path).exists(),
        }
    }
}

impl Proof {
    fn describe(&self) -> String {
        match self {
            Self::Program(name) => format!("the program {name}"),
            Self::File(path) => (*path).to_owned(),
        }
    }
}

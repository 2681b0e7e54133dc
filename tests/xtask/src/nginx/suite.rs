//! nginx of another release of Debian: sources and program, unpacked beside the system's own.
//!
//! The program runs with the libraries of its release, so that what is tried is what people have.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{output, run};
use crate::failure::Failure;
use crate::progress::note;
use crate::workspace::{Workspace, make_folder, read, write_changed};

/// Debian 13, and the release after it, which has nginx's current stable line.
const SUITES: [&str; 2] = ["trixie", "forky"];

/// The program, what its modules are built from, and every library that it loads.
const PACKAGES: [&str; 9] = [
    "nginx",
    "nginx-dev",
    "libc6",
    "libcrypt1",
    "libgcc-s1",
    "libpcre2-8-0",
    "libssl3t64",
    "libzstd1",
    "zlib1g",
];

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// What a release of Debian has.
pub(crate) struct Offer {
    suite: &'static str,
    /// Debian's version, such as 1.26.3-3+deb13u7.
    package: String,
    /// nginx's own part of it.
    pub(crate) nginx: String,
}

/// One that is unpacked.
pub(crate) struct Suite {
    pub(crate) root: PathBuf,
    /// `nginx-abi-1.26.3-1`
    pub(crate) abi: Option<String>,
}

/// How an nginx is started.
#[derive(Clone)]
pub(crate) struct Program(Vec<OsString>);

impl Program {
    pub(crate) fn installed() -> Self {
        Self(vec!["/usr/sbin/nginx".into()])
    }

    pub(crate) fn at(file: &Path) -> Self {
        Self(vec![file.into()])
    }

    /// A script that becomes it: the tests know one file to start.
    pub(crate) fn script(&self, file: &Path) -> Result<(), Failure> {
        let words: Vec<String> = self.0.iter().map(|word| format!("'{}'", word.to_string_lossy())).collect();
        write_changed(file, format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" ")).as_bytes())?;
        run(Command::new("chmod").arg("+x").arg(file))
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(self.0.first().cloned().unwrap_or_default());
        command.args(self.0.iter().skip(1));
        command
    }
}

impl Suite {
    pub(crate) fn program(&self) -> Program {
        let libraries = self.root.join("usr/lib/x86_64-linux-gnu");
        Program(vec![
            libraries.join("ld-linux-x86-64.so.2").into(),
            "--library-path".into(),
            libraries.into(),
            self.root.join("usr/sbin/nginx").into(),
        ])
    }
}

/// What the releases have today. The lists are those of the machine's own mirror.
pub(crate) fn offers(workspace: &Workspace) -> Result<Vec<Offer>, Failure> {
    SUITES
        .iter()
        .map(|suite| {
            let configuration = apt(workspace, suite)?;
            let mut update = Command::new("apt-get");
            update.env("APT_CONFIG", &configuration).args(["update", "--quiet=2"]);
            run(&mut update)?;
            let mut show = Command::new("apt-cache");
            show.env("APT_CONFIG", &configuration).args(["show", "--no-all-versions", "nginx"]);
            let printed = output(&mut show)?;
            let printed = String::from_utf8_lossy(&printed);
            let package = printed.lines().find_map(|line| line.strip_prefix("Version: "));
            let package = package.ok_or_else(|| Failure::new(format!("{suite} has no nginx")))?.to_owned();
            let nginx = package.split(['-', '+', '~']).next().unwrap_or_default().to_owned();
            Ok(Offer { suite, package, nginx })
        })
        .collect()
}

/// Unpacks it, once for each version.
pub(crate) fn fetch(workspace: &Workspace, offer: &Offer) -> Result<Suite, Failure> {
    let place = workspace.artefacts().join(format!("nginx/{}-{}", offer.suite, offer.package));
    let root = place.join("root");
    if !place.join("whole").is_file() {
        let packages = place.join("packages");
        make_folder(&packages)?;
        note(format_args!("nginx {} of Debian's {}", offer.package, offer.suite));
        let mut download = Command::new("apt-get");
        download.env("APT_CONFIG", apt(workspace, offer.suite)?).args(["download", "--quiet=2"]);
        run(download.args(PACKAGES).current_dir(&packages))?;
        for file in listed(&packages)? {
            run(Command::new("dpkg-deb").arg("--extract").arg(&file).arg(&root))?;
            if file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("nginx_")) {
                let provides = output(Command::new("dpkg-deb").arg("--field").arg(&file).arg("Provides"))?;
                write_changed(&place.join("provides"), &provides)?;
            }
        }
        write_changed(&place.join("whole"), b"")?;
    }
    let provides = read(&place.join("provides"))?;
    Ok(Suite { root, abi: abi(&String::from_utf8_lossy(&provides)) })
}

/// The name under which a distribution's nginx says which modules it takes.
pub(crate) fn abi(provides: &str) -> Option<String> {
    provides.split(',').map(str::trim).find(|name| name.starts_with("nginx-abi-")).map(str::to_owned)
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| Failure::file("list", folder, &error))?;
    Ok(entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
}

/// Lists and downloads of their own: the system's stay as they are.
fn apt(workspace: &Workspace, suite: &str) -> Result<PathBuf, Failure> {
    let folder = workspace.artefacts().join(format!("nginx/apt-{suite}"));
    for part in ["lists/partial", "cache/archives/partial"] {
        make_folder(&folder.join(part))?;
    }
    let source = format!("deb [signed-by={KEYRING}] {} {suite} main\n", mirror()?);
    write_changed(&folder.join("sources.list"), source.as_bytes())?;
    let place = folder.display();
    let configuration = format!(
        "Dir::Etc::sourcelist \"{place}/sources.list\";\nDir::Etc::sourceparts \"/dev/null\";\n\
         Dir::State::lists \"{place}/lists\";\nDir::Cache \"{place}/cache\";\n\
         Dir::State::status \"/dev/null\";\nAPT::Sandbox::User \"root\";\nAcquire::Languages \"none\";\n\
         Acquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";\n\
         Acquire::IndexTargets::deb::DEP-11-icons-small::DefaultEnabled \"false\";\n\
         Acquire::IndexTargets::deb::DEP-11-icons::DefaultEnabled \"false\";\n"
    );
    let file = folder.join("apt.conf");
    write_changed(&file, configuration.as_bytes())?;
    Ok(file)
}

/// Where this machine has Debian from.
fn mirror() -> Result<String, Failure> {
    let targets = output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(REPO_URI) $(COMPONENT)",
        "Created-By: Packages",
    ]))?;
    let targets = String::from_utf8_lossy(&targets);
    targets
        .lines()
        .filter_map(|line| line.strip_suffix(" main"))
        .find(|uri| uri.trim_end_matches('/').ends_with("/debian"))
        .map(str::to_owned)
        .ok_or_else(|| Failure::new("apt knows no mirror of Debian: run `apt-get update`"))
}

#[cfg(test)]
mod tests {
    use super::abi;

    #[test]
    fn the_abi_is_among_what_the_package_provides() {
        assert_eq!(abi("httpd, httpd-cgi, nginx-abi-1.26.3-1\n").as_deref(), Some("nginx-abi-1.26.3-1"));
        assert_eq!(abi("httpd"), None);
    }
}

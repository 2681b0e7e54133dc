//! Chromium, driven by a script of `tests/browser`.
#![allow(clippy::print_stdout, reason = "what the browser did stands in the log of the run")]
use std::path::Path;
use std::process::Command;

use postern_end_to_end::names::Names;
use postern_end_to_end::process::Process;
use postern_end_to_end::site::{Site, USER};
use postern_end_to_end::tools;

use crate::applications::Applications;

/// Runs the script by `driver`, which is Node. Beside the site's own certificate Chromium takes these.
pub(crate) fn drive(
    mut driver: Command,
    script: &str,
    (site, names): (&Site, &Names),
    applications: &Applications,
    certificates: &[&Path],
) {
    let folder = site.folder_for("browser");
    let edge = site.web.certificate_file().with_file_name("edge.pem");
    let certificates: Vec<_> =
        certificates.iter().copied().chain([edge.as_path()]).map(Path::to_string_lossy).collect();
    let browser = tools::workspace().join("tests/browser");
    tools::existing(browser.join("node_modules"), "cargo xtask tools");
    driver
        .current_dir(browser)
        .arg(format!("src/{script}.js"))
        .env("CHROMIUM", tools::program("chromium", "chromium"))
        .env("SAML_APP", format!("http://127.0.0.1:{}", applications.saml_port))
        .env("OIDC_APP", format!("http://127.0.0.1:{}", applications.oidc_port))
        .env("IDENTITY_PROVIDER", site.base_url())
        .env("EDGE_CERTIFICATE", certificates.join(":"))
        .env("NAMES", names.all().join(","))
        .env("SCREENSHOTS", folder.join("screenshots"))
        .env("USER_NAME", USER.0)
        .env("PASSWORD", USER.1);
    let output = driver.output().expect("node runs");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{}{}\n{}\n{}",
        said(&output.stdout),
        said(&output.stderr),
        site.postern.log(),
        applications.processes.iter().map(Process::log).collect::<String>()
    );
    print!("{}", said(&output.stdout));
}

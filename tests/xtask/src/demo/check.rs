//! Headless Chromium instead of a person.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Account, Place};
use crate::command::run as run_command;
use crate::failure::Failure;
use crate::progress::{Step, note};

pub(crate) fn run(place: &Place<'_>, node: &Path, chromium: &Path, account: &Account) -> Result<(), Failure> {
    let step = Step::begin("headless Chromium signs in and out");
    drive(place, node, chromium, account, &["src/main.js"])?;
    note(format_args!("screenshots: {}", screenshots(place).display()));
    step.done();
    Ok(())
}

/// Runs a script of `tests/browser` to its end.
pub(super) fn drive(
    place: &Place<'_>,
    node: &Path,
    chromium: &Path,
    account: &Account,
    script: &[&str],
) -> Result<(), Failure> {
    let mut driver = Command::new(node);
    driver
        .current_dir(place.workspace.path("tests/browser"))
        .args(script)
        .env("CHROMIUM", chromium)
        .env("SAML_APP", place.saml_url())
        .env("OIDC_APP", place.oidc_url())
        .env("IDENTITY_PROVIDER", place.base_url())
        .env("EDGE_CERTIFICATE", place.file("tls/edge.crt"))
        .env("SCREENSHOTS", screenshots(place))
        .env("USER_NAME", account.name)
        .env("PASSWORD", &account.password);
    run_command(&mut driver)
        .map_err(|failure| failure.remedy(format!("read the logs in {}", place.file("log").display())))
}

/// Beside the folder of the run.
fn screenshots(place: &Place<'_>) -> PathBuf {
    place.folder.with_file_name("screenshots")
}

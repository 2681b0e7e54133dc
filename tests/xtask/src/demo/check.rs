//! Headless Chromium instead of a person.

use std::path::Path;
use std::process::Command;

use super::{Account, Place};
use crate::command::run as run_command;
use crate::failure::Failure;
use crate::progress::{Step, note};

pub(crate) fn run(place: &Place<'_>, node: &Path, chromium: &Path, account: &Account) -> Result<(), Failure> {
    let step = Step::begin("headless Chromium signs in and out");
    let screenshots = place.workspace.path("target/demo/screenshots");
    let mut driver = Command::new(node);
    driver
        .current_dir(place.workspace.path("tests/browser"))
        .arg("src/main.js")
        .env("CHROMIUM", chromium)
        .env("SAML_APP", place.saml_url())
        .env("OIDC_APP", place.oidc_url())
        .env("IDENTITY_PROVIDER", place.base_url())
        .env("EDGE_CERTIFICATE", place.file("tls/edge.crt"))
        .env("SCREENSHOTS", &screenshots)
        .env("USER_NAME", account.name)
        .env("PASSWORD", &account.password);
    run_command(&mut driver)
        .map_err(|failure| failure.remedy(format!("read the logs in {}", place.file("log").display())))?;
    note(format_args!("screenshots: {}", screenshots.display()));
    step.done();
    Ok(())
}

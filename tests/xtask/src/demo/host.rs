//! The identity provider, by its own command line.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::processes::Processes;
use super::{Account, Place, configuration};
use crate::certificates::Certificates;
use crate::command::{cannot_start, output, words};
use crate::failure::Failure;

pub(crate) struct Host {
    program: PathBuf,
    configuration: PathBuf,
    port: u16,
}

impl Host {
    /// Writes the configuration and has it checked.
    pub(crate) fn configure(place: &Place<'_>, certificates: &Certificates) -> Result<Self, Failure> {
        let file = place.file("postern.toml");
        fs::write(&file, configuration::text(place, certificates))
            .map_err(|error| Failure::file("write", &file, &error))?;
        let host = Self {
            program: place.workspace.path("target/debug/postern"),
            configuration: file,
            port: place.ports.public,
        };
        output(host.command().arg("check"))?;
        Ok(host)
    }

    /// `postern --config …`
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(&self.configuration);
        command
    }

    pub(crate) fn serve(&self, processes: &mut Processes<'_>) -> Result<(), Failure> {
        let mut command = self.command();
        command.arg("serve");
        processes.start("postern", command, self.port)
    }

    pub(crate) fn add_user(&self, account: &Account) -> Result<(), Failure> {
        let mut command = self.command();
        command.args(["user", "add", account.name]).args([
            "--email",
            "alice@example.com",
            "--given-name",
            "Alice",
            "--family-name",
            "Example",
            "--password-stdin",
        ]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| cannot_start(&command, &error))?;
        if let Some(mut input) = child.stdin.take() {
            writeln!(input, "{}", account.password)
                .map_err(|error| Failure::new(format!("the password was not read: {error}")))?;
        }
        let ended =
            child.wait_with_output().map_err(|error| Failure::new(format!("postern was lost: {error}")))?;
        if ended.status.success() {
            return Ok(());
        }
        Err(Failure::new(format!(
            "`{}` ended with {}:\n{}",
            words(&command),
            ended.status,
            String::from_utf8_lossy(&ended.stderr)
        )))
    }
}

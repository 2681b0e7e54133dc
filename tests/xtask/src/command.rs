//! Running other programs.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// Runs a program to its end, its output on the terminal.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let status = command.stdin(Stdio::null()).status().map_err(|error| cannot_start(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("`{}` ended with {status}", words(command))))
    }
}

/// Runs a program to its end as [`run`] does, but stops it when it takes longer than that.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut child = command.stdin(Stdio::null()).spawn().map_err(|error| cannot_start(command, &error))?;
    let lost = |error| Failure::new(format!("`{}` was lost: {error}", words(command)));
    loop {
        match child.try_wait().map_err(lost)? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(Failure::new(format!("`{}` ended with {status}", words(command)))),
            None if begun.elapsed() < limit => thread::sleep(Duration::from_millis(50)),
            None => {
                child.kill().map_err(lost)?;
                child.wait().map_err(lost)?;
                return Err(Failure::new(format!(
                    "`{}` was stopped: it did not end within {} s",
                    words(command),
                    limit.as_secs()
                )));
            }
        }
    }
}

/// Runs a program to its end and gives back what it printed on its standard output.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, Failure> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| cannot_start(command, &error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Failure::new(format!(
        "`{}` ended with {}:\n{}{}",
        words(command),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    )))
}

pub(crate) fn cannot_start(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot start {}: {error}", command.get_program().to_string_lossy()))
}

/// The command as a person would type it.
pub(crate) fn words(command: &Command) -> String {
    let mut words = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        words.push(' ');
        words.push_str(&argument.to_string_lossy());
    }
    words
}

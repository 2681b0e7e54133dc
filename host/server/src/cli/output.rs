//! What commands print, and how they fail.

use std::fmt;
use std::io::{self, Write as _};

use crate::config::Misfit;

/// A command that could not be done: what is wrong, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) code: u8,
}

impl Failure {
    /// It could not be done: exit code 1.
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), code: 1 }
    }

    /// The command line or the configuration is wrong: exit code 2.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), code: 2 }
    }
}

impl Failure {
    /// Everything has been said: the exit code alone.
    pub(crate) fn quiet(code: u8) -> Self {
        Self { message: String::new(), code }
    }
}

impl From<Misfit> for Failure {
    fn from(misfit: Misfit) -> Self {
        Self::usage(format!("{}: {}", misfit.field, misfit.message))
    }
}

impl From<postern_kernel::unavailable::Unavailable> for Failure {
    fn from(error: postern_kernel::unavailable::Unavailable) -> Self {
        Self::new(error)
    }
}

/// A line on standard output. A reader that has gone away is not an error of the command.
pub(crate) fn say(line: impl fmt::Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Something to know beside the output, on standard error.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "postern: note: {text}");
}

pub(super) fn complain(failure: &Failure) {
    if failure.message.is_empty() {
        return;
    }
    let _ = writeln!(io::stderr(), "postern: {}", failure.message);
}

/// Text that somebody else chose, for a terminal: control characters are escaped.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let escaped: Vec<char> =
                if character.is_control() { character.escape_default().collect() } else { vec![character] };
            escaped
        })
        .collect()
}

/// Columns under their names.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| {
            let pad = " ".repeat(width.saturating_sub(cell.chars().count()));
            format!("{cell}{pad}")
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    say(line(&head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()));
    for row in rows {
        say(line(row));
    }
}

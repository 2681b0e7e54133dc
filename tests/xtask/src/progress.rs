//! Lines for the person who waits. This crate is a command line: printing is its job.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::fmt::Display;
use std::io::{IsTerminal, stdout};
use std::time::Instant;

/// A step that takes long: printed when it begins, and again with its time when it is done.
pub(crate) struct Step {
    title: String,
    begun: Instant,
}

impl Step {
    pub(crate) fn begin(title: impl Into<String>) -> Self {
        let title = title.into();
        println!("{} {title}", marked("==>"));
        Self { title, begun: Instant::now() }
    }

    pub(crate) fn done(self) {
        let seconds = self.begun.elapsed().as_secs_f32();
        println!("{} {} ({seconds:.1} s)", marked(" ok"), self.title);
    }
}

/// Something worth knowing inside a step.
pub(crate) fn note(line: impl Display) {
    println!("    {line}");
}

/// A line as it is.
pub(crate) fn line(line: impl Display) {
    println!("{line}");
}

pub(crate) fn error(error: impl Display) {
    eprintln!("error: {error}");
}

fn marked(word: &str) -> String {
    if stdout().is_terminal() { format!("\u{1b}[1;36m{word}\u{1b}[0m") } else { word.to_owned() }
}

//! The operational log, on standard error.

use std::io::{self, Stderr, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Level, Log, LogFormat};

/// Starts the log of the server. Other crates than ours say only what is wrong.
pub(crate) fn start(log: &Log) {
    let level = match log.level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    let targets = Targets::new().with_default(LevelFilter::WARN).with_target("postern", level);
    let registry = registry().with(targets);
    match log.format {
        LogFormat::Text => registry.with(fmt::layer().with_writer(stderr)).init(),
        LogFormat::Json => registry.with(fmt::layer().json().with_writer(stderr)).init(),
    }
}

/// Commands say what they did themselves: only what is wrong is logged.
pub(crate) fn start_for_command() {
    let targets = Targets::new().with_default(LevelFilter::WARN);
    let layer = fmt::layer().without_time().with_target(false).with_writer(stderr);
    // A second start in one process (tests) is no error.
    let _ = registry().with(targets).with(layer).try_init();
}

fn stderr() -> Seen<Stderr> {
    Seen(io::stderr())
}

/// Writes what can be seen as it is. What components, peers and people say stands in the log: everything in it that
/// turns the direction of what follows, or is not seen at all, is written as JSON would escape it.
struct Seen<W>(W);

impl<W: Write> Write for Seen<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        if text.contains(is_unseen) {
            self.0.write_all(escaped(&text).as_bytes())?;
        } else {
            self.0.write_all(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The text with `\u202e` in the place of what is not seen.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unseen(character) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// What looks like a line break or does something to a terminal, turns the direction of text, or is not seen at all.
/// Not the line break itself, which ends each line.
fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_escaped_and_nothing_else() {
        let mut log = Seen(Vec::new());
        log.write_all("a\u{202e}b\u{200b}\u{1b}[31m\u{9b}\n".as_bytes()).unwrap();
        log.write_all("Müller \"ß\" 漢字\n".as_bytes()).unwrap();
        let text = String::from_utf8(log.0).unwrap();
        assert_eq!(text, "a\\u202eb\\u200b\\u001b[31m\\u009b\nMüller \"ß\" 漢字\n");
    }
}

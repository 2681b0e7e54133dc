//! The log of components: bounded, on one line, with the module and the request that it is about.

use std::fmt::Write as _;

use crate::limits::Limits;

/// As in `wit/`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
}

/// How many lines a call has left.
#[derive(Debug)]
pub(crate) struct LogBudget {
    left: u32,
    dropped: bool,
}

impl LogBudget {
    pub(crate) fn new(lines: u32) -> Self {
        Self { left: lines, dropped: false }
    }

    /// Writes the line, or drops it when the call has none left.
    pub(crate) fn write(&mut self, module: &str, correlation: &str, level: Level, message: &str) {
        let Some(left) = self.left.checked_sub(1) else {
            if !std::mem::replace(&mut self.dropped, true) {
                tracing::warn!(target: "postern::module", module, correlation, "further lines of this call are dropped");
            }
            return;
        };
        self.left = left;
        let line = one_line(message);
        match level {
            Level::Debug => tracing::debug!(target: "postern::module", module, correlation, "{line}"),
            Level::Info => tracing::info!(target: "postern::module", module, correlation, "{line}"),
            Level::Warn => tracing::warn!(target: "postern::module", module, correlation, "{line}"),
        }
    }
}

/// The message, cut to [`Limits::LOG_LINE`] bytes, with everything escaped that could begin a new
/// line or make a terminal or a viewer show something else than what is there.
fn one_line(message: &str) -> String {
    let mut line = String::with_capacity(message.len().min(Limits::LOG_LINE));
    for character in message.chars() {
        let before = line.len();
        if is_hidden(character) {
            // Writing to a String does not fail.
            let _ = write!(line, "{}", character.escape_unicode());
        } else {
            line.push(character);
        }
        if line.len() > Limits::LOG_LINE {
            line.truncate(before);
            break;
        }
    }
    line
}

/// Control characters, line and paragraph separators, and what turns the direction of writing.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_begin_a_new_line() {
        assert_eq!(
            one_line("a\r\nb\u{1b}[2J\u{2028}\u{202e}ü"),
            "a\\u{d}\\u{a}b\\u{1b}[2J\\u{2028}\\u{202e}ü"
        );
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        let line = one_line(&"ü".repeat(2_000));
        assert_eq!(line.len(), Limits::LOG_LINE);
        assert!(one_line(&"\n".repeat(2_000)).len() <= Limits::LOG_LINE);
    }
}

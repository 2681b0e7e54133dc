//! What one call of a component may use.

use std::time::Duration;

/// Limits of one call. The same for every call of a component, its `describe` at load included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory, at most [`Limits::MOST_MEMORY`].
    pub memory: usize,
    /// Time that the component runs. Waiting for the store or the directory does not count.
    pub running: Duration,
    /// Time from the beginning of the call to its end, waiting included.
    pub call: Duration,
    /// Bytes that one import or the result hands out of the sandbox.
    pub output: usize,
    /// Calls of imports that read or write state, directory or audit log.
    pub kernel_calls: u32,
    /// Lines of log. Further ones are dropped.
    pub log_lines: u32,
}

impl Limits {
    /// The most that [`Limits::memory`] can be: 64 MiB.
    pub const MOST_MEMORY: usize = 64 << 20;
    /// Longest line of log in bytes; longer ones are cut.
    pub const LOG_LINE: usize = 1_024;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 16 << 20,
            running: Duration::from_millis(250),
            call: Duration::from_secs(10),
            output: 2 << 20,
            kernel_calls: 64,
            log_lines: 64,
        }
    }
}

//! Something that the kernel stands on can't serve now.

use core::fmt;

/// Store, directory, keys or a queue can't serve now. Answered with 503, logged with the detail.
#[derive(Debug)]
pub struct Unavailable {
    /// What is away: `store`, `directory`, `keys`, `password-queue`.
    pub what: &'static str,
    /// For the log. Free of secrets.
    pub detail: String,
}

impl Unavailable {
    /// `what` can't serve, because of `detail`.
    pub fn new(what: &'static str, detail: impl fmt::Display) -> Self {
        Self { what, detail: detail.to_string() }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} unavailable: {}", self.what, self.detail)
    }
}

impl std::error::Error for Unavailable {}

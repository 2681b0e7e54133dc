//! The real clock and the operating system's randomness.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use postern_kernel::clock::{Clock, Timestamp};
use postern_kernel::randomness::Randomness;

/// The machine's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the composition root: the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Timestamp(since.map_or(0, |since| since.as_secs()))
    }
}

/// The operating system's generator.
pub(crate) struct SystemRandomness(SystemRandom);

impl SystemRandomness {
    pub(crate) fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Randomness for SystemRandomness {
    #[allow(clippy::expect_used, reason = "going on with predictable bytes would be worse than stopping")]
    fn fill(&self, buffer: &mut [u8]) {
        self.0.fill(buffer).expect("the operating system yields random bytes");
    }
}

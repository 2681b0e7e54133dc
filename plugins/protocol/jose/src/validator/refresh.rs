//! When the keys are fetched.

/// Longest time between tries after failures, in seconds.
const MAX_BACKOFF: u64 = 60;

/// When the next fetch is due, and how long the keys of the last one are used. Times are seconds
/// since 1970-01-01T00:00:00Z; keys stay in use whatever fails, but not for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyRefresh {
    next_at: u64,
    failures: u32,
    last_started: Option<u64>,
    usable_until: u64,
}

impl KeyRefresh {
    /// Whether a fetch should start now.
    pub fn is_due(&self, now: u64) -> bool {
        now >= self.next_at
    }

    /// A fetch was started and may take so many seconds; until then no other starts.
    pub fn started(&mut self, now: u64, timeout: u64) {
        self.last_started = Some(now);
        self.next_at = now.saturating_add(timeout).saturating_add(1);
    }

    /// New keys are there, fetched at that time by this or another worker. `jitter`, any random
    /// number, spreads the next fetch over the last tenth of the interval. After the interval the
    /// keys are used for `stale` seconds more.
    pub fn succeeded(&mut self, fetched_at: u64, interval: u64, stale: u64, jitter: u64) {
        self.usable_until = fetched_at.saturating_add(interval).saturating_add(stale);
        self.failures = 0;
        // Another worker's fetch counts for the pause as well.
        self.last_started = Some(self.last_started.map_or(fetched_at, |started| started.max(fetched_at)));
        let spread = jitter.checked_rem((interval / 10).saturating_add(1)).unwrap_or(0);
        self.next_at = fetched_at.saturating_add(interval).saturating_sub(spread);
    }

    /// Whether the keys of the last good fetch may be used.
    pub fn is_usable(&self, now: u64) -> bool {
        now < self.usable_until
    }

    /// A fetch failed: the next follows after 1, 2, 4 … 60 seconds, at the time that is returned.
    pub fn failed(&mut self, now: u64) -> u64 {
        let backoff = 1_u64.checked_shl(self.failures).unwrap_or(MAX_BACKOFF).min(MAX_BACKOFF);
        self.failures = self.failures.saturating_add(1).min(16);
        self.next_at = now.saturating_add(backoff);
        self.next_at
    }

    /// A token named a key that nobody knows: fetch soon, when the last fetch is `pause` seconds
    /// ago. True when a fetch was brought forward.
    pub fn unknown_key(&mut self, now: u64, pause: u64) -> bool {
        let rested = self.last_started.is_none_or(|started| now >= started.saturating_add(pause));
        if rested && self.next_at > now {
            self.next_at = now;
        }
        rested
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_back_off_and_success_spreads() {
        let mut refresh = KeyRefresh::default();
        assert!(refresh.is_due(1_000) && !refresh.is_usable(1_000));
        refresh.started(1_000, 5);
        assert!(!refresh.is_due(1_005));
        for (now, next) in [(1_001, 1_002), (1_002, 1_004), (1_004, 1_008)] {
            refresh.failed(now);
            assert!(!refresh.is_due(next - 1) && refresh.is_due(next));
        }
        for _ in 0..100 {
            refresh.failed(2_000);
        }
        assert!(refresh.is_due(2_060));
        for jitter in [0, 7, u64::MAX] {
            refresh.succeeded(3_000, 300, 100, jitter);
            assert!(!refresh.is_due(3_269) && refresh.is_due(3_300));
            assert!(refresh.is_usable(3_399) && !refresh.is_usable(3_400));
        }
    }

    #[test]
    fn invented_key_ids_cause_one_fetch_in_thirty_seconds() {
        let mut refresh = KeyRefresh::default();
        refresh.started(1_000, 5);
        refresh.succeeded(1_000, 300, 0, 0);
        assert!(!refresh.unknown_key(1_029, 30));
        assert!(!refresh.is_due(1_029));
        assert!(refresh.unknown_key(1_030, 30));
        assert!(refresh.is_due(1_030));
        refresh.started(1_030, 5);
        refresh.succeeded(1_030, 300, 0, 0);
        assert!(!refresh.unknown_key(1_031, 30));
    }
}

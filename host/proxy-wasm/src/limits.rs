//! What a plugin may use up.

use std::time::Duration;

/// What one VM may use up. What is over a limit is refused with a status, or ends the instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of linear memory. More is refused, which most guests answer with a trap.
    pub memory: usize,
    /// Elements of all tables together.
    pub table_elements: usize,
    /// Epochs that one call from the proxy may take ([`Ticker`](crate::Ticker)); at least 2, since
    /// the first may be nearly over. Then the instance is ended.
    pub call_epochs: u64,
    /// The same for starting and configuring.
    pub start_epochs: u64,
    /// Bytes of a line in the log; longer ones are cut.
    pub log_line: usize,
    /// Bytes of name and value of one header that the plugin writes.
    pub header: usize,
    /// Bytes of all headers that the plugin writes to one stream.
    pub headers: usize,
    /// Bytes that the plugin writes to bodies of one stream.
    pub body: usize,
    /// Bytes of the body of a local response.
    pub local_response_body: usize,
    /// Bytes of a property that the plugin sets, its path included.
    pub property: usize,
    /// Callouts that are under way at the same time.
    pub calls: usize,
    /// Bytes of the body of a callout.
    pub call_body: usize,
    /// Bytes of the response to a callout: headers, body and trailers. More counts as failed.
    pub call_response: usize,
    /// Bytes of a key in shared data, of the name of a queue or of a metric.
    pub name: usize,
    /// Bytes of a value in shared data or of an item in a queue.
    pub shared_value: usize,
    /// Metrics and queues that the plugins of the VM define.
    pub definitions: usize,
    /// Bytes that one call of `random_get` may ask for.
    pub random: usize,
    /// Streams that are open at the same time.
    pub streams: usize,
    /// When an instance that died is rebuilt.
    pub back_off: BackOff,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 256 << 20,
            table_elements: 20_000,
            call_epochs: 20,
            start_epochs: 500,
            log_line: 4 << 10,
            header: 16 << 10,
            headers: 64 << 10,
            body: 8 << 20,
            local_response_body: 1 << 20,
            property: 16 << 10,
            calls: 64,
            call_body: 1 << 20,
            call_response: 4 << 20,
            name: 256,
            shared_value: 1 << 20,
            definitions: 1_000,
            random: 64 << 10,
            streams: 65_536,
            back_off: BackOff::default(),
        }
    }
}

/// How long an instance that died stays down. Requests are refused until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackOff {
    /// After the first death, and after an instance that lived longer than `most`.
    pub first: Duration,
    /// Each death doubles it, up to this.
    pub most: Duration,
}

impl Default for BackOff {
    fn default() -> Self {
        Self { first: Duration::from_millis(100), most: Duration::from_secs(10) }
    }
}

impl BackOff {
    /// The pause after a death, given the one before and how long the instance lived.
    pub(crate) fn next(self, before: Option<Duration>, lived: Duration) -> Duration {
        match before {
            Some(before) if lived <= self.most => before.saturating_mul(2).clamp(self.first, self.most),
            _ => self.first,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deaths_in_a_row_double_the_pause() {
        let back_off = BackOff::default();
        let soon = Duration::from_millis(1);
        let mut pause = back_off.next(None, soon);
        assert_eq!(pause, Duration::from_millis(100));
        for _ in 0..20 {
            pause = back_off.next(Some(pause), soon);
        }
        assert_eq!(pause, Duration::from_secs(10));
        assert_eq!(back_off.next(Some(pause), Duration::from_secs(11)), Duration::from_millis(100));
    }
}

//! What a connection is at, and until when: one watch for all of its time limits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Time limits of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// For the TLS handshake, and for a place afterwards.
    pub(crate) handshake: Duration,
    /// From the first byte of a request's head to its last; and from the handshake to the first
    /// request, unless the peer has shown a certificate.
    pub(crate) head: Duration,
    /// Without a request, and for one request from its head to the last byte of its answer.
    pub(crate) idle: Duration,
    /// In which a peer has to take [`WRITTEN`] bytes of what is sent to it, or all of it.
    pub(crate) write: Duration,
}

/// What a slow reader has to take within [`Times::write`].
const WRITTEN: usize = 64 * 1024;

/// Why a connection ends before its peer wants it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// No request.
    Idle,
    /// A head that does not end.
    Head,
    /// An answer that is not made or not taken.
    Answer,
    /// A peer that does not read.
    Write,
    /// More requests that go on without their streams than anybody has a use for.
    Flood,
}

impl Late {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Head => "head-too-slow",
            Self::Answer => "answer-too-slow",
            Self::Write => "read-too-slowly",
            Self::Flood => "too-many-requests",
        }
    }
}

/// A connection's watch.
pub(super) struct Watch {
    times: Times,
    seen: Mutex<Seen>,
    changed: Notify,
}

struct Seen {
    /// When each request began whose answer is not handed over yet.
    requests: BTreeMap<u64, Instant>,
    next: u64,
    /// Since when there is no request, and how long that may last.
    idle_since: Instant,
    idle: Duration,
    head_since: Option<Instant>,
    stalled_since: Option<Instant>,
    written: usize,
    /// Handlers at work, also those whose stream was reset.
    handlers: usize,
    is_flooded: bool,
}

impl Watch {
    /// Begins with the end of the handshake.
    pub(super) fn new(times: Times, first: Duration) -> Arc<Self> {
        let seen = Seen {
            requests: BTreeMap::new(),
            next: 0,
            idle_since: Instant::now(),
            idle: first,
            head_since: None,
            stalled_since: None,
            written: 0,
            handlers: 0,
            is_flooded: false,
        };
        Arc::new(Self { times, seen: Mutex::new(seen), changed: Notify::new() })
    }

    /// A request has come. It is at work until what is returned is dropped.
    pub(super) fn request(self: &Arc<Self>) -> Working {
        let mut seen = self.lock();
        let number = seen.next;
        seen.next += 1;
        seen.requests.insert(number, Instant::now());
        Working { number, watch: Arc::clone(self) }
    }

    /// A handler begins. None: `most` are at work already, and the connection ends.
    pub(super) fn handler(self: &Arc<Self>, most: usize) -> Option<Handling> {
        let mut seen = self.lock();
        if seen.handlers >= most {
            seen.is_flooded = true;
            self.changed.notify_one();
            return None;
        }
        seen.handlers += 1;
        Some(Handling(Arc::clone(self)))
    }

    /// Whether what has come so far ends amid a head. `anew`: something that began before has ended.
    pub(super) fn head(&self, is_amid: bool, anew: bool) {
        let mut seen = self.lock();
        if !is_amid || anew {
            seen.head_since = None;
        }
        if is_amid && seen.head_since.is_none() {
            seen.head_since = Some(Instant::now());
            self.changed.notify_one();
        }
    }

    /// The peer takes nothing now.
    pub(super) fn stalled(&self) {
        let mut seen = self.lock();
        if seen.stalled_since.is_none() {
            seen.stalled_since = Some(Instant::now());
            seen.written = 0;
            self.changed.notify_one();
        }
    }

    /// It has taken so many bytes.
    pub(super) fn written(&self, bytes: usize) {
        let mut seen = self.lock();
        seen.written = seen.written.saturating_add(bytes);
        if seen.written >= WRITTEN {
            seen.stalled_since = None;
        }
    }

    /// It has taken all that there was.
    pub(super) fn drained(&self) {
        self.lock().stalled_since = None;
    }

    /// Waits until a limit is exceeded.
    pub(super) async fn late(&self) -> Late {
        loop {
            let (at, late) = self.due();
            if at <= Instant::now() {
                return late;
            }
            tokio::select! {
                () = tokio::time::sleep_until(at) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// The limit that is next, as things are. A request that begins moves it away only: no
    /// notification is needed for that.
    fn due(&self) -> (Instant, Late) {
        let seen = self.lock();
        if seen.is_flooded {
            return (Instant::now(), Late::Flood);
        }
        let answer = match seen.requests.first_key_value() {
            Some((_, began)) => (*began + self.times.idle, Late::Answer),
            None => (seen.idle_since + seen.idle, Late::Idle),
        };
        let head = seen.head_since.map(|since| (since + self.times.head, Late::Head));
        let write = seen.stalled_since.map(|since| (since + self.times.write, Late::Write));
        [Some(answer), head, write].into_iter().flatten().min_by_key(|(at, _)| *at).unwrap_or(answer)
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request whose answer is not handed over yet.
pub(super) struct Working {
    number: u64,
    watch: Arc<Watch>,
}

impl Drop for Working {
    fn drop(&mut self) {
        let mut seen = self.watch.lock();
        seen.requests.remove(&self.number);
        if seen.requests.is_empty() {
            seen.idle_since = Instant::now();
            seen.idle = self.watch.times.idle;
        }
    }
}

/// A handler at work.
pub(super) struct Handling(Arc<Watch>);

impl Drop for Handling {
    fn drop(&mut self) {
        let mut seen = self.0.lock();
        seen.handlers = seen.handlers.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times {
        handshake: Duration::from_secs(10),
        head: Duration::from_secs(10),
        idle: Duration::from_secs(75),
        write: Duration::from_secs(30),
    };

    /// What ends it, and after how many seconds. Time goes on by itself.
    async fn late(watch: &Watch, began: Instant) -> (Late, u64) {
        let late = watch.late().await;
        (late, began.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn requests_keep_a_connection_and_nothing_else_does() {
        let began = Instant::now();
        let watch = Watch::new(TIMES, TIMES.head);
        assert_eq!(late(&watch, began).await, (Late::Idle, 10), "the first request has to come soon");

        let (watch, began) = (Watch::new(TIMES, TIMES.head), Instant::now());
        let request = watch.request();
        tokio::time::sleep(Duration::from_secs(40)).await;
        drop(request);
        assert_eq!(late(&watch, began).await, (Late::Idle, 115));

        let (watch, began) = (Watch::new(TIMES, TIMES.head), Instant::now());
        let _first = watch.request();
        tokio::time::sleep(Duration::from_secs(40)).await;
        let _second = watch.request();
        assert_eq!(late(&watch, began).await, (Late::Answer, 75), "another request does not help the first");
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_in_ends_it() {
        let (watch, began) = (Watch::new(TIMES, TIMES.idle), Instant::now());
        let other = Arc::clone(&watch);
        let trickle = tokio::spawn(async move {
            for _ in 0..100 {
                other.head(true, false);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        assert_eq!(late(&watch, began).await, (Late::Head, 10));
        trickle.abort();

        let (watch, began) = (Watch::new(TIMES, TIMES.idle), Instant::now());
        for _ in 0..12 {
            watch.head(true, true);
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        watch.head(false, true);
        assert_eq!(late(&watch, began).await, (Late::Idle, 75), "each head was in time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_has_to_read() {
        let (watch, began) = (Watch::new(TIMES, TIMES.idle), Instant::now());
        let other = Arc::clone(&watch);
        let sips = tokio::spawn(async move {
            for _ in 0..100 {
                other.stalled();
                other.written(1_000);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        assert_eq!(late(&watch, began).await, (Late::Write, 30));
        sips.abort();

        let (watch, began) = (Watch::new(TIMES, TIMES.idle), Instant::now());
        for _ in 0..3 {
            watch.stalled();
            tokio::time::sleep(Duration::from_secs(20)).await;
            watch.written(WRITTEN);
        }
        watch.stalled();
        watch.drained();
        assert_eq!(late(&watch, began).await, (Late::Idle, 75), "it reads slowly, but it reads");
    }

    #[tokio::test(start_paused = true)]
    async fn handlers_that_nobody_waits_for_are_bounded() {
        let watch = Watch::new(TIMES, TIMES.idle);
        let first = watch.handler(2).unwrap();
        let _second = watch.handler(2).unwrap();
        drop(first);
        let _third = watch.handler(2).unwrap();
        assert!(watch.handler(2).is_none());
        assert_eq!(watch.late().await, Late::Flood);
    }
}

//! The filter's configuration as the LAN serves it: pulled through the proxy, shared among all
//! workers, and never trusted for where it came from.

use core::time::Duration;

use postern_feed::{Feed as Document, FeedRule, InForce, Judged, MAX_FEED, PATH, Source, judge_feed};
use postern_jose::KeySet;
use postern_refusal::Refusal;

use crate::host::{self, Call, CallId, CallResponse, Counter, Gauge};
use crate::verify::NativeVerifier;

const TIMEOUT: Duration = Duration::from_secs(4);

/// What a filter has of the feed.
pub(crate) struct Feed {
    name: &'static str,
    source: Source,
    keys: KeySet,
    verifier: NativeVerifier,
    in_force: InForce,
    slots: Slots,
    /// Digest of the last document in shared data that was looked at.
    seen: String,
    in_flight: Option<CallId>,
    /// When the LAN last said what is in force; at first, when the operator did.
    confirmed_at: u64,
    refused: Counter,
    failed: Counter,
    age: Gauge,
    /// Whether the last look failed: a failure is logged once, not every few seconds.
    is_failing: bool,
}

/// A document that may take over.
pub(crate) struct Offer {
    /// With the filter's own part, or without one.
    pub(crate) feed: Document,
    /// Its bytes, to be shared; none when they came from there.
    shared: Option<Vec<u8>>,
}

impl Feed {
    pub(crate) fn new(name: &'static str, source: Source) -> Result<Self, Refusal> {
        Ok(Self {
            name,
            keys: source.key_set()?,
            verifier: NativeVerifier,
            in_force: source.in_force.clone(),
            slots: Slots::new(name),
            seen: String::new(),
            in_flight: None,
            confirmed_at: host::now().unwrap_or_default(),
            refused: Counter::define(&format!("postern.{name}.feed.refused")),
            failed: Counter::define(&format!("postern.{name}.feed.failed")),
            age: Gauge::define(&format!("postern.{name}.feed.age_seconds")),
            is_failing: false,
            source,
        })
    }

    /// Once a second on every worker: what another one has fetched, and a look of its own when it
    /// is time and nobody else looks.
    pub(crate) fn tick(&mut self) -> Option<Offer> {
        let now = host::now()?;
        let offer = self.shared(now);
        self.age.set(now.saturating_sub(self.confirmed_at));
        if self.slots.take_turn(now, self.source.interval_seconds) {
            self.look();
        }
        offer
    }

    /// Whether the response is to a look of this one.
    pub(crate) fn awaits(&self, call: CallId) -> bool {
        self.in_flight == Some(call)
    }

    /// The response to a look.
    pub(crate) fn fetched(&mut self, response: Option<CallResponse>) -> Option<Offer> {
        self.in_flight = None;
        let now = host::now()?;
        match response {
            Some(response) if response.status == 304 => {
                self.confirm(now);
                None
            }
            Some(response) if response.status == 200 => match self.judge(&response.body, now) {
                Ok(None) => {
                    self.confirm(now);
                    None
                }
                Ok(Some(feed)) => Some(Offer { feed, shared: Some(response.body) }),
                Err(refusal) => {
                    self.refuse(&refusal.to_string());
                    None
                }
            },
            Some(response) => {
                self.fail(&format!("status {}", response.status));
                None
            }
            None => {
                self.fail("no response");
                None
            }
        }
    }

    /// The offer is in force. `changed` is false when there is nothing for this filter in it: it is
    /// remembered all the same, so that it is not asked for again and nothing older comes after it.
    pub(crate) fn adopted(&mut self, offer: Offer, changed: bool) {
        let what =
            if changed { "taken over" } else { "has nothing for this filter, which keeps what it has" };
        host::info(&format!(
            "{}: configuration {} of the LAN {what}",
            self.name, offer.feed.in_force.sequence
        ));
        self.in_force = offer.feed.in_force;
        if let (Some(document), Some(now)) = (offer.shared, host::now()) {
            self.slots.store(&document);
            self.confirm(now);
        }
    }

    /// Counts and logs a document that changes nothing.
    pub(crate) fn refuse(&mut self, reason: &str) {
        self.refused.increment();
        host::warn(&format!(
            "{}: the LAN's configuration is refused, the last good one stays: {reason}",
            self.name
        ));
    }

    fn look(&mut self) {
        let call = Call {
            cluster: self.source.cluster.clone(),
            method: "GET",
            authority: self.source.authority.clone(),
            path: PATH.into(),
            timeout: TIMEOUT,
            limit: MAX_FEED,
        };
        let known = format!("\"{}\"", self.in_force.digest);
        match call.send_with(&[("if-none-match", &known)]) {
            Ok(id) => self.in_flight = Some(id),
            Err(failed) => self.fail(&failed.to_string()),
        }
    }

    /// What another worker, or this one before a reload of its VM, has found good.
    fn shared(&mut self, now: u64) -> Option<Offer> {
        let (confirmed_at, digest) = self.slots.head()?;
        self.confirmed_at = self.confirmed_at.max(confirmed_at);
        if digest == self.in_force.digest || digest == self.seen {
            return None;
        }
        let document = self.slots.document()?;
        self.seen = digest;
        match self.judge(&document, now) {
            Ok(found) => found.map(|feed| Offer { feed, shared: None }),
            // Older than what the operator has written since: no news.
            Err(refusal) => {
                host::info(&format!("{}: shared configuration not taken over: {refusal}", self.name));
                None
            }
        }
    }

    fn judge(&self, bytes: &[u8], now: u64) -> Result<Option<Document>, Refusal> {
        let rule = FeedRule { issuer: &self.source.issuer, keys: &self.keys, in_force: &self.in_force, now };
        match judge_feed(bytes, &rule, &self.verifier)? {
            Judged::Unchanged => Ok(None),
            Judged::Newer(feed) => Ok(Some(feed.into_inner())),
        }
    }

    fn confirm(&mut self, now: u64) {
        self.is_failing = false;
        self.confirmed_at = now;
        self.slots.confirm(now, &self.in_force.digest);
    }

    fn fail(&mut self, reason: &str) {
        self.failed.increment();
        if !self.is_failing {
            host::warn(&format!("{}: the LAN's configuration can't be fetched: {reason}", self.name));
        }
        self.is_failing = true;
    }
}

/// Slots of the data that all workers share. There is no delete: they are fixed.
struct Slots {
    /// When it was last confirmed, and its digest: small, since it is read every second.
    head: String,
    document: String,
    turn: String,
}

impl Slots {
    fn new(name: &str) -> Self {
        Self {
            head: format!("postern.{name}.feed.head"),
            document: format!("postern.{name}.feed.document"),
            turn: format!("postern.{name}.feed.turn"),
        }
    }

    fn head(&self) -> Option<(u64, String)> {
        let (value, _) = host::shared(&self.head).ok()??;
        let (time, digest) = value.split_first_chunk()?;
        Some((u64::from_be_bytes(*time), String::from_utf8(digest.to_vec()).ok()?))
    }

    fn document(&self) -> Option<Vec<u8>> {
        host::shared(&self.document).ok()?.map(|(document, _)| document)
    }

    fn store(&self, document: &[u8]) {
        if let Err(failed) = host::set_shared(&self.document, document, None) {
            host::warn(&format!("{}: can't be shared: {failed}", self.document));
        }
    }

    fn confirm(&self, now: u64, digest: &str) {
        let mut value = now.to_be_bytes().to_vec();
        value.extend_from_slice(digest.as_bytes());
        if let Err(failed) = host::set_shared(&self.head, &value, None) {
            host::warn(&format!("{}: can't be shared: {failed}", self.head));
        }
    }

    /// Whether it is this worker's turn to look: one of all, once in an interval.
    fn take_turn(&self, now: u64, interval: u64) -> bool {
        let (next, version) = match host::shared(&self.turn) {
            Ok(Some((value, version))) => {
                (value.first_chunk().map_or(0, |time| u64::from_be_bytes(*time)), version)
            }
            // The version of no value: whoever writes first has it.
            Ok(None) => (0, u32::MAX),
            Err(_) => return false,
        };
        // A clock that was set back must not stop the looks.
        let is_due = now >= next || next > now.saturating_add(interval);
        let until = now.saturating_add(interval);
        is_due && host::set_shared(&self.turn, &until.to_be_bytes(), Some(version)).is_ok()
    }
}

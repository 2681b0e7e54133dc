//! One issuer's keys: fetched, shared, kept while the issuer is away.
//!
//! Fetches are the root context's alone: a client that asks for an unknown key and goes away takes
//! no fetch with it.

use core::time::Duration;
use std::rc::Rc;

use crate::shared_keys::SharedKeys;
use postern_jose::validator::{JwksSource, KeyRefresh, refresh_interval};
use postern_jose::{KeySet, MAX_KEY_SET};
use postern_proxy::host::{self, Call, CallId, CallResponse, Counter, Entropy};

/// The keys of one issuer in one VM.
pub(crate) struct IssuerKeys {
    source: JwksSource,
    shared: SharedKeys,
    set: Option<Rc<KeySet>>,
    /// Of the set in shared data that was read last.
    version: Option<u32>,
    /// Counts the sets.
    generation: u64,
    refresh: KeyRefresh,
    in_flight: Option<CallId>,
    entropy: Entropy,
    failures: Counter,
}

impl IssuerKeys {
    /// With what other workers, or this one before a reload, have left in shared data.
    pub(crate) fn new(source: &JwksSource) -> Self {
        let mut keys = Self {
            source: source.clone(),
            shared: SharedKeys::new(source),
            set: None,
            version: None,
            generation: 0,
            refresh: KeyRefresh::default(),
            in_flight: None,
            entropy: Entropy::default(),
            failures: Counter::define("postern.token-validator.key_fetches_failed"),
        };
        keys.read_shared();
        keys
    }

    pub(crate) fn set(&self) -> Option<Rc<KeySet>> {
        self.set.clone()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Once a second, and many times a second while a request waits.
    pub(crate) fn tick(&mut self) {
        self.read_shared();
        let Some(now) = host::now() else { return };
        if self.set.is_some() && !self.refresh.is_usable(now) {
            host::warn(&format!("token-validator: the keys of {} are too old", self.source.authority));
            self.set = None;
            self.generation = self.generation.wrapping_add(1);
        }
        // Due while a call is under way: its response never came, or an unknown key was seen; then
        // the turn is still taken.
        if self.refresh.is_due(now)
            && let Some(call) = self.begin(now)
        {
            self.in_flight = None;
            match call.send() {
                Ok(id) => self.in_flight = Some(id),
                Err(failed) => self.failed(now, &format!("the call can't be sent: {failed}")),
            }
        }
    }

    /// A request names an unknown key: a fetch is due, unless the last one was a moment ago.
    pub(crate) fn miss(&mut self) {
        if let Some(now) = host::now() {
            self.refresh.unknown_key(now, self.source.refetch_pause_seconds);
        }
    }

    /// Whether there is a fetch to wait for: here, or in another worker.
    pub(crate) fn is_pending(&self) -> bool {
        host::now().is_some_and(|now| {
            self.in_flight.is_some() || self.refresh.is_due(now) || self.shared.is_running(now)
        })
    }

    /// The response to the call of [`Self::tick`]: new keys, or the reason why the old ones stay.
    pub(crate) fn fetched(&mut self, call: CallId, response: Option<&CallResponse>) {
        if self.in_flight != Some(call) {
            return;
        }
        self.in_flight = None;
        let Some(now) = host::now() else { return };
        let read = match response {
            None => Err("no response, or one that is too large".to_owned()),
            Some(response) if response.status != 200 => Err(format!("status {}", response.status)),
            Some(response) => {
                KeySet::read(&response.body).map(|set| (set, response)).map_err(|refusal| refusal.to_string())
            }
        };
        match read {
            Ok((set, response)) => {
                let interval = refresh_interval(response.headers.first(b"cache-control"), &self.source);
                if let Err(failed) = self.shared.store(now, interval, &response.body) {
                    host::warn(&format!("token-validator: keys can't be shared: {failed}"));
                }
                self.adopt(set, now, interval);
                self.shared.release(0);
            }
            Err(reason) => self.failed(now, &reason),
        }
    }

    fn begin(&mut self, now: u64) -> Option<Call> {
        let timeout = self.source.timeout_seconds();
        let until = now.saturating_add(timeout).saturating_add(1);
        if !self.shared.lease(now, until) {
            return None;
        }
        // Another worker may have stored keys and given its turn back since this one looked.
        self.read_shared();
        if !self.refresh.is_due(now) {
            self.shared.release(0);
            return None;
        }
        self.refresh.started(now, timeout);
        Some(Call {
            cluster: self.source.cluster.clone(),
            method: "GET",
            authority: self.source.authority.clone(),
            path: self.source.path.clone(),
            timeout: Duration::from_millis(self.source.timeout_milliseconds),
            limit: MAX_KEY_SET,
        })
    }

    fn read_shared(&mut self) {
        let Some(stored) = self.shared.newer_than(self.version) else { return };
        self.version = Some(stored.version);
        match KeySet::read(&stored.body) {
            Ok(set) => self.adopt(set, stored.fetched_at, stored.interval),
            Err(refusal) => host::warn(&format!("token-validator: shared keys are unreadable: {refusal}")),
        }
    }

    fn adopt(&mut self, set: KeySet, fetched_at: u64, interval: u64) {
        let jitter = self.entropy.sixteen().map_or(0, |random| u128::from_be_bytes(random) as u64);
        self.refresh.succeeded(fetched_at, interval, self.source.max_stale_seconds, jitter);
        if self.set.as_deref() != Some(&set) {
            host::info(&format!("token-validator: {} keys of {}", set.keys().len(), self.source.authority));
            self.set = Some(Rc::new(set));
            self.generation = self.generation.wrapping_add(1);
        }
    }

    fn failed(&mut self, now: u64, reason: &str) {
        self.failures.increment();
        self.shared.release(self.refresh.failed(now));
        let kept = if self.set.is_some() { "the last good ones stay" } else { "there are none" };
        host::warn(&format!(
            "token-validator: the keys of {} can't be fetched: {reason}; {kept}",
            self.source.authority
        ));
    }
}

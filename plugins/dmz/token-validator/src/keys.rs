//! The issuer's keys: fetched, shared, kept when anything fails.

use core::time::Duration;
use std::rc::Rc;

use crate::shared_keys::SharedKeys;
use postern_jose::validator::{JwksSource, KeyRefresh};
use postern_jose::{KeySet, MAX_KEY_SET};
use postern_proxy::host::{self, Call, CallId, CallResponse, Entropy};

/// What there is to do about an unknown key.
pub(crate) enum Refetch {
    /// Another worker has fetched newer keys: judge again.
    Changed,
    /// Make this call.
    Call(Call),
    /// The last fetch was a moment ago.
    Pause,
}

/// The keys of one VM.
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

    /// Once a second.
    pub(crate) fn tick(&mut self) {
        self.read_shared();
        let Some(now) = host::now() else { return };
        if self.refresh.is_due(now)
            && let Some(call) = self.begin(now)
        {
            match call.send() {
                Ok(id) => self.in_flight = Some(id),
                Err(failed) => self.failed(now, &format!("the call can't be sent: {failed}")),
            }
        }
    }

    /// A request names an unknown key.
    pub(crate) fn refetch(&mut self) -> Refetch {
        let before = self.generation;
        self.read_shared();
        if self.generation != before {
            return Refetch::Changed;
        }
        let call = host::now().filter(|now| self.refresh.unknown_key(*now)).and_then(|now| self.begin(now));
        call.map_or(Refetch::Pause, Refetch::Call)
    }

    /// The response to the call of [`Self::tick`].
    pub(crate) fn fetched(&mut self, call: CallId, response: Option<CallResponse>) {
        if self.in_flight == Some(call) {
            self.in_flight = None;
            self.take(response);
        }
    }

    /// The response to a call: new keys, or the reason why the old ones stay.
    pub(crate) fn take(&mut self, response: Option<CallResponse>) {
        let Some(now) = host::now() else { return };
        let set = match response {
            None => Err("no response".to_owned()),
            Some(response) if response.status != 200 => Err(format!("status {}", response.status)),
            Some(response) => KeySet::read(&response.body)
                .map(|set| (set, response.body))
                .map_err(|refusal| refusal.to_string()),
        };
        match set {
            Ok((set, body)) => {
                if let Err(failed) = self.shared.store(now, &body) {
                    host::warn(&format!("token-validator: keys can't be shared: {failed}"));
                }
                self.adopt(set, now);
                self.shared.release();
            }
            Err(reason) => {
                self.shared.release();
                self.failed(now, &reason);
            }
        }
    }

    fn begin(&mut self, now: u64) -> Option<Call> {
        let timeout = self.source.timeout_milliseconds.div_ceil(1_000);
        let until = now.saturating_add(timeout).saturating_add(1);
        if !self.shared.lease(now, until) {
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
            Ok(set) => self.adopt(set, stored.fetched_at),
            Err(refusal) => host::warn(&format!("token-validator: shared keys are unreadable: {refusal}")),
        }
    }

    fn adopt(&mut self, set: KeySet, fetched_at: u64) {
        let jitter = self.entropy.sixteen().map_or(0, |random| u128::from_be_bytes(random) as u64);
        self.refresh.succeeded(fetched_at, self.source.refresh_seconds, jitter);
        if self.set.as_deref() != Some(&set) {
            host::info(&format!("token-validator: {} keys of the issuer", set.keys().len()));
            self.set = Some(Rc::new(set));
            self.generation = self.generation.wrapping_add(1);
        }
    }

    fn failed(&mut self, now: u64, reason: &str) {
        self.refresh.failed(now);
        let kept = if self.set.is_some() { "the last good ones stay" } else { "there are none yet" };
        host::warn(&format!("token-validator: the issuer's keys can't be fetched: {reason}; {kept}"));
    }
}

//! How often an issuer is asked: all workers count together, in the proxy's shared data.

use core::net::{IpAddr, Ipv4Addr};

use postern_endpoint::{RateBucket, RateLimit, RateTable};
use postern_jose::validator::{Introspection, client_rate_exceeded, rate_exceeded, unreachable};
use postern_proxy::host::{self, Entropy, Failed};
use postern_refusal::Refusal;

/// The key of the slots' hash, which the endpoint filter has as well.
const KEY: &str = "postern.rate.key";

/// How often a slot is tried that other workers write to at the same time.
const TRIES: usize = 8;

/// The buckets of one issuer.
pub(crate) struct CallRates {
    place: String,
    of_client: RateLimit,
    of_all: RateLimit,
}

impl CallRates {
    pub(crate) fn new(settings: &Introspection) -> Self {
        let place = format!("introspection {} {} {}", settings.cluster, settings.authority, settings.path);
        let limit = |requests, seconds| RateLimit { path: place.clone(), requests, seconds, burst: None };
        Self {
            of_client: limit(settings.client_calls_per_minute, 60),
            of_all: limit(settings.calls_per_second, 1),
            place,
        }
    }

    /// Counts a call for a token that nobody has seen.
    pub(crate) fn take_unknown(&self, client: Option<IpAddr>) -> Result<(), Refusal> {
        let table = table()?;
        let client = client.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let own = table.bucket(client, &self.place);
        take(&own, &self.of_client, || client_rate_exceeded(self.of_client.requests))?;
        self.take_shared(&table, "unknown")
    }

    /// Counts a call for a token that was good a moment ago. Whoever invents tokens leaves these alone.
    pub(crate) fn take_known(&self) -> Result<(), Refusal> {
        self.take_shared(&table()?, "known")
    }

    fn take_shared(&self, table: &RateTable, kind: &str) -> Result<(), Refusal> {
        let mut bucket = table.bucket(IpAddr::V4(Ipv4Addr::UNSPECIFIED), kind);
        // A slot of its own, which no client's bucket can drive it out of.
        bucket.slot = format!("postern.token-validator.calls {kind} {}", self.place);
        take(&bucket, &self.of_all, || {
            rate_exceeded(&format!("{} calls a second for {kind} tokens", self.of_all.requests))
        })
    }
}

/// With the key of the worker that came first.
fn table() -> Result<RateTable, Refusal> {
    let found = || host::shared(KEY).ok().flatten().and_then(|(key, _)| key.try_into().ok());
    if let Some(key) = found() {
        return Ok(RateTable::new(key));
    }
    let own = Entropy::default().sixteen().ok_or_else(|| unreachable("no randomness"))?;
    // Whoever was faster is read, and so is this one.
    let _ = host::set_shared(KEY, &own, Some(host::ABSENT));
    found().map(RateTable::new).ok_or_else(|| unreachable("no shared data"))
}

fn take(bucket: &RateBucket, limit: &RateLimit, exceeded: impl Fn() -> Refusal) -> Result<(), Refusal> {
    let now = host::now_milliseconds().ok_or_else(|| unreachable("no clock"))?;
    for _ in 0..TRIES {
        let (slot, version) = match host::shared(&bucket.slot) {
            Ok(found) => found.unwrap_or((Vec::new(), host::ABSENT)),
            Err(failed) => return Err(unreachable(&failed.to_string())),
        };
        let slot = bucket.take(&slot, limit, now).map_err(|_| exceeded())?;
        match host::set_shared(&bucket.slot, &slot, Some(version)) {
            Ok(()) => return Ok(()),
            Err(Failed::STALE) => {}
            Err(failed) => return Err(unreachable(&failed.to_string())),
        }
    }
    Err(unreachable("other workers were faster each time"))
}

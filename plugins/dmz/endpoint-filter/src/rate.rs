//! The slots of the rate limits, in the proxy's shared data: all workers count together.

use core::net::IpAddr;

use postern_endpoint::{RateLimit, RateTable};
use postern_proxy::ConfigurationError;
use postern_proxy::host::{self, Entropy, Failed};
use postern_refusal::Refusal;

/// The key of the slots' hash.
const KEY: &str = "postern.rate.key";
/// How often a slot is tried that other workers write to at the same time.
const TRIES: usize = 8;
/// No version of an existing value: the host then writes only if there is none.
const ABSENT: u32 = u32::MAX;

pub(crate) struct SharedRates {
    table: RateTable,
}

impl SharedRates {
    /// Takes the key of the worker that came first.
    pub(crate) fn begin() -> Result<Self, ConfigurationError> {
        let unavailable =
            |found: &str| ConfigurationError(format!("edge.rate_limits: no shared data: {found}"));
        let own = Entropy::default().sixteen().ok_or_else(|| unavailable("no randomness"))?;
        match host::set_shared(KEY, &own, Some(ABSENT)) {
            Ok(()) | Err(Failed::STALE) => {}
            Err(failed) => return Err(unavailable(&failed.to_string())),
        }
        let stored = host::shared(KEY).map_err(|failed| unavailable(&failed.to_string()))?;
        let key = stored.and_then(|(key, _)| key.try_into().ok());
        Ok(Self { table: RateTable::new(key.ok_or_else(|| unavailable("the key is gone"))?) })
    }

    /// Counts a request, or refuses it and says how many seconds to wait.
    pub(crate) fn take(&self, client: IpAddr, limit: &RateLimit) -> Result<(), (Refusal, u64)> {
        let unavailable = |found: &str| {
            let refusal = Refusal::internal("endpoint.rate.unavailable")
                .with_status(503)
                .expected("a clock, and shared data that can be written")
                .found(found);
            (refusal, 1)
        };
        let now = host::now_milliseconds().ok_or_else(|| unavailable("no clock"))?;
        let bucket = self.table.bucket(client, &limit.path);
        for _ in 0..TRIES {
            let (slot, version) = match host::shared(&bucket.slot) {
                Ok(found) => found.unwrap_or((Vec::new(), ABSENT)),
                Err(failed) => return Err(unavailable(&failed.to_string())),
            };
            let slot = bucket.take(&slot, limit, now)?;
            match host::set_shared(&bucket.slot, &slot, Some(version)) {
                Ok(()) => return Ok(()),
                Err(Failed::STALE) => {}
                Err(failed) => return Err(unavailable(&failed.to_string())),
            }
        }
        Err(unavailable("other workers were faster each time"))
    }
}

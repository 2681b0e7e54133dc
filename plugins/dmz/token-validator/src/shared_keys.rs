//! The issuer's keys where all workers of the proxy find them, and whose turn it is to fetch.

use postern_jose::validator::JwksSource;
use postern_proxy::host::{self, Failed};

/// Two slots of shared data for one source of keys. Shared data has no delete: the slots are
/// fixed, and a zero time means that nothing is there.
pub(crate) struct SharedKeys {
    set: String,
    lease: String,
}

/// A JWK Set as it came.
pub(crate) struct Stored {
    pub(crate) version: u32,
    pub(crate) fetched_at: u64,
    /// Seconds until the next fetch.
    pub(crate) interval: u64,
    pub(crate) body: Vec<u8>,
}

/// Whose turn it is. Times are seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Default)]
struct Lease {
    /// A worker fetches until then.
    running_until: u64,
    /// After a failure nobody fetches before.
    not_before: u64,
}

impl Lease {
    fn read(bytes: &[u8]) -> Self {
        let number = |bytes: &[u8]| bytes.first_chunk().map_or(0, |number| u64::from_be_bytes(*number));
        Self { running_until: number(bytes), not_before: number(bytes.get(8..).unwrap_or_default()) }
    }

    fn bytes(self) -> [u8; 16] {
        (u128::from(self.running_until) << 64 | u128::from(self.not_before)).to_be_bytes()
    }
}

impl SharedKeys {
    pub(crate) fn new(source: &JwksSource) -> Self {
        let name = format!("{} {} {}", source.cluster, source.authority, source.path);
        Self {
            set: format!("postern.token-validator.keys {name}"),
            lease: format!("postern.token-validator.turn {name}"),
        }
    }

    /// What a worker has stored, when it is another version than the known one.
    pub(crate) fn newer_than(&self, known: Option<u32>) -> Option<Stored> {
        let (value, version) = host::shared(&self.set).ok()??;
        if known == Some(version) {
            return None;
        }
        let (fetched_at, rest) = value.split_first_chunk()?;
        let (interval, body) = rest.split_first_chunk()?;
        Some(Stored {
            version,
            fetched_at: u64::from_be_bytes(*fetched_at),
            interval: u64::from_be_bytes(*interval),
            body: body.to_vec(),
        })
    }

    /// Stores a good set for all.
    pub(crate) fn store(&self, fetched_at: u64, interval: u64, body: &[u8]) -> Result<(), Failed> {
        let mut value = fetched_at.to_be_bytes().to_vec();
        value.extend_from_slice(&interval.to_be_bytes());
        value.extend_from_slice(body);
        host::set_shared(&self.set, &value, None)
    }

    /// Takes the turn to fetch until that time. False: another worker has it, or has failed a
    /// moment ago.
    pub(crate) fn lease(&self, now: u64, until: u64) -> bool {
        // In a proxy without shared data every worker fetches for itself.
        let Ok(found) = host::shared(&self.lease) else { return true };
        let (lease, version) = match &found {
            Some((value, version)) => (Lease::read(value), *version),
            None => (Lease::default(), host::ABSENT),
        };
        let next = Lease { running_until: until, not_before: 0 };
        now >= lease.running_until
            && now >= lease.not_before
            && host::set_shared(&self.lease, &next.bytes(), Some(version)).is_ok()
    }

    /// Whether a worker fetches now.
    pub(crate) fn is_running(&self, now: u64) -> bool {
        let found = host::shared(&self.lease).ok().flatten();
        found.is_some_and(|(value, _)| now < Lease::read(&value).running_until)
    }

    /// Gives the turn back; nobody takes it before that time.
    pub(crate) fn release(&self, not_before: u64) {
        // When it fails, the lease ends by itself.
        let _ = host::set_shared(&self.lease, &Lease { running_until: 0, not_before }.bytes(), None);
    }
}

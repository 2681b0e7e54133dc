//! The issuer's keys where all workers of the proxy find them, and whose turn it is to fetch.

use postern_jose::validator::JwksSource;
use postern_proxy::host::{self, Failed};

/// Two slots of shared data for one source of keys. Shared data has no delete: the slots are
/// fixed, and a zero time means that nothing is there.
pub(crate) struct SharedKeys {
    set: String,
    lease: String,
}

/// A JWK Set as it came, and when.
pub(crate) struct Stored {
    pub(crate) version: u32,
    pub(crate) fetched_at: u64,
    pub(crate) body: Vec<u8>,
}

impl SharedKeys {
    pub(crate) fn new(source: &JwksSource) -> Self {
        let name = format!("{} {} {}", source.cluster, source.authority, source.path);
        Self {
            set: format!("postern.token-validator.jwks {name}"),
            lease: format!("postern.token-validator.lease {name}"),
        }
    }

    /// What a worker has stored, when it is another version than the known one.
    pub(crate) fn newer_than(&self, known: Option<u32>) -> Option<Stored> {
        let (value, version) = host::shared(&self.set).ok()??;
        if known == Some(version) {
            return None;
        }
        let (time, body) = value.split_first_chunk()?;
        Some(Stored { version, fetched_at: u64::from_be_bytes(*time), body: body.to_vec() })
    }

    /// Stores a good set for all.
    pub(crate) fn store(&self, fetched_at: u64, body: &[u8]) -> Result<(), Failed> {
        let mut value = fetched_at.to_be_bytes().to_vec();
        value.extend_from_slice(body);
        host::set_shared(&self.set, &value, None)
    }

    /// Takes the turn to fetch until that time. False: another worker has it.
    pub(crate) fn lease(&self, now: u64, until: u64) -> bool {
        let (held_until, version) = match host::shared(&self.lease) {
            Ok(Some((value, version))) => {
                let time = value.first_chunk().map_or(0, |time| u64::from_be_bytes(*time));
                (time, Some(version))
            }
            Ok(None) => (0, None),
            // A proxy without shared data: every worker fetches for itself.
            Err(_) => return true,
        };
        now >= held_until && host::set_shared(&self.lease, &until.to_be_bytes(), version).is_ok()
    }

    /// Gives the turn back.
    pub(crate) fn release(&self) {
        // When it fails, the lease ends by itself.
        let _ = host::set_shared(&self.lease, &0_u64.to_be_bytes(), None);
    }
}

//! How often one client may ask for one endpoint: token buckets where there is nothing but fixed
//! slots of bytes that all workers share.

use core::net::IpAddr;

use postern_refusal::Refusal;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::declaration::Endpoint;

/// Entries of one slot.
const ENTRIES: usize = 4;
/// Bytes of an entry: 8 of a hash, 8 of the level, 8 of the time.
const ENTRY: usize = 24;
/// A request, in the unit of a bucket's level.
const REQUEST: u64 = 1_000_000;
/// Slots, of four clients and endpoints each: 6 MiB at most.
const SLOTS: u64 = 16_384;

/// A rate for each client of an endpoint. A client is an IPv4 address or an IPv6 network of 64 bits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// The endpoint's path, exactly as it is declared.
    pub path: String,
    /// So many requests …
    pub requests: u32,
    /// … in so many seconds.
    pub seconds: u32,
    /// So many at once; without it as many as `requests`.
    #[serde(default)]
    pub burst: Option<u32>,
}

impl RateLimit {
    pub(crate) fn check(&self, endpoints: &[Endpoint]) -> Result<(), (&'static str, String)> {
        if !endpoints.iter().any(|endpoint| endpoint.path == self.path) {
            return Err(("path", format!("{:?} is no declared endpoint", self.path)));
        }
        for (field, number, most) in [
            ("requests", self.requests, 1_000_000),
            ("seconds", self.seconds, 86_400),
            ("burst", self.burst(), 1_000_000),
        ] {
            if !(1..=most).contains(&number) {
                return Err((field, format!("1 to {most}")));
            }
        }
        Ok(())
    }

    fn burst(&self) -> u32 {
        self.burst.unwrap_or(self.requests)
    }

    fn most(&self) -> u64 {
        u64::from(self.burst()).saturating_mul(REQUEST)
    }

    /// What comes back to a bucket in that time.
    fn refill(&self, milliseconds: u64) -> u64 {
        let each = u128::from(self.requests).saturating_mul(u128::from(REQUEST));
        let gained = each.saturating_mul(u128::from(milliseconds));
        let per = u128::from(self.seconds).saturating_mul(1_000).max(1);
        u64::try_from(gained.checked_div(per).unwrap_or(0)).unwrap_or(u64::MAX)
    }

    /// Seconds until a request is back.
    fn wait(&self, level: u64) -> u64 {
        let missing = REQUEST.saturating_sub(level).saturating_mul(u64::from(self.seconds));
        missing.div_ceil(u64::from(self.requests).saturating_mul(REQUEST).max(1)).max(1)
    }
}

/// Places clients in slots, by a hash whose key no client knows: nobody can choose addresses that
/// meet in one slot.
#[derive(Clone)]
pub struct RateTable {
    key: [u8; 16],
}

impl core::fmt::Debug for RateTable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("RateTable { .. }")
    }
}

/// The bucket of one client and endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateBucket {
    /// Name of its slot.
    pub slot: String,
    hash: [u8; 8],
}

impl RateTable {
    /// A table with a random key, the same for all workers.
    pub fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    /// Where a client's requests to an endpoint are counted.
    pub fn bucket(&self, client: IpAddr, path: &str) -> RateBucket {
        let mut hash = Sha256::new();
        hash.update(self.key);
        match client.to_canonical() {
            IpAddr::V4(address) => hash.update(address.octets()),
            IpAddr::V6(address) => hash.update(address.octets().first_chunk::<8>().unwrap_or(&[0; 8])),
        }
        hash.update(path.as_bytes());
        let digest = hash.finalize();
        let (number, rest) = digest.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
        let slot = u64::from_be_bytes(*number).checked_rem(SLOTS).unwrap_or(0);
        let hash = rest.first_chunk::<8>().copied().unwrap_or_default();
        RateBucket { slot: format!("postern.rate.{slot}"), hash }
    }
}

impl RateBucket {
    /// Takes one request, at that time in milliseconds: the slot's new content. In a full slot the
    /// client that asked longest ago is forgotten, whose bucket is the fullest.
    ///
    /// # Errors
    /// `endpoint.rate.exceeded` (429) and the seconds to wait: the slot stays as it is.
    pub fn take(&self, slot: &[u8], limit: &RateLimit, now: u64) -> Result<Vec<u8>, (Refusal, u64)> {
        let mut entries: Vec<Entry> = slot.chunks_exact(ENTRY).filter_map(Entry::read).collect();
        let known = entries.iter().position(|entry| entry.hash == self.hash);
        let before = known.map(|position| entries.swap_remove(position));
        let level = before.map_or(limit.most(), |entry| {
            // A worker's clock may be behind the one that wrote.
            let gained = limit.refill(now.saturating_sub(entry.time));
            entry.level.saturating_add(gained).min(limit.most())
        });
        let Some(left) = level.checked_sub(REQUEST) else {
            return Err((self.exceeded(limit), limit.wait(level)));
        };
        let time = before.map_or(now, |entry| entry.time.max(now));
        entries.sort_by_key(|entry| core::cmp::Reverse(entry.time));
        entries.truncate(ENTRIES.saturating_sub(1));
        entries.push(Entry { hash: self.hash, level: left, time });
        Ok(entries.iter().flat_map(Entry::bytes).collect())
    }

    fn exceeded(&self, limit: &RateLimit) -> Refusal {
        Refusal::misbehaved("endpoint.rate.exceeded")
            .with_status(429)
            .at(&limit.path)
            .expected(&format!("{} requests in {} seconds of one client", limit.requests, limit.seconds))
    }
}

#[derive(Clone, Copy)]
struct Entry {
    hash: [u8; 8],
    level: u64,
    time: u64,
}

impl Entry {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (hash, rest) = bytes.split_first_chunk::<8>()?;
        let (level, time) = rest.split_first_chunk::<8>()?;
        let time = u64::from_be_bytes(*time.first_chunk()?);
        Some(Self { hash: *hash, level: u64::from_be_bytes(*level), time })
    }

    fn bytes(&self) -> Vec<u8> {
        [self.hash, self.level.to_be_bytes(), self.time.to_be_bytes()].concat()
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    fn limit(requests: u32, seconds: u32, burst: Option<u32>) -> RateLimit {
        RateLimit { path: "/oauth2/token".into(), requests, seconds, burst }
    }

    fn bucket(address: &str) -> RateBucket {
        RateTable::new([7; 16]).bucket(address.parse().unwrap(), "/oauth2/token")
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let (limit, bucket) = (limit(2, 1, Some(3)), bucket("192.0.2.1"));
        let mut slot = Vec::new();
        for _ in 0..3 {
            slot = bucket.take(&slot, &limit, 1_000).unwrap();
        }
        let (refusal, wait) = bucket.take(&slot, &limit, 1_000).unwrap_err();
        assert_eq!((refusal.code, refusal.status, wait), ("endpoint.rate.exceeded", 429, 1));
        assert!(bucket.take(&slot, &limit, 1_499).is_err());
        slot = bucket.take(&slot, &limit, 1_500).unwrap();
        assert!(bucket.take(&slot, &limit, 1_500).is_err());
        // A clock that went back gives nothing.
        assert!(bucket.take(&slot, &limit, 0).is_err());
        // Never more than a burst.
        for _ in 0..3 {
            slot = bucket.take(&slot, &limit, 99_000_000).unwrap();
        }
        assert!(bucket.take(&slot, &limit, 99_000_000).is_err());
    }

    #[test]
    fn seconds_to_wait_are_those_of_the_rate() {
        let (limit, bucket) = (limit(1, 60, None), bucket("192.0.2.1"));
        let slot = bucket.take(&[], &limit, 0).unwrap();
        assert_eq!(bucket.take(&slot, &limit, 0).unwrap_err().1, 60);
        assert_eq!(bucket.take(&slot, &limit, 45_000).unwrap_err().1, 15);
    }

    #[test]
    fn clients_in_one_slot_are_told_apart_and_it_never_grows() {
        let limit = limit(1, 60, None);
        let buckets: Vec<_> =
            (0..9_u8).map(|number| RateBucket { slot: String::new(), hash: [number; 8] }).collect();
        let mut slot = Vec::new();
        for (time, bucket) in (0..).zip(&buckets) {
            slot = bucket.take(&slot, &limit, time).unwrap();
            assert!(slot.len() <= ENTRIES * ENTRY);
        }
        assert!(buckets[8].take(&slot, &limit, 9).is_err() && buckets[5].take(&slot, &limit, 9).is_err());
        assert!(buckets[4].take(&slot, &limit, 9).is_ok());
        // What somebody else wrote there is no reason to panic.
        assert!(buckets[0].take(&[0xff; 50], &limit, 9).is_ok());
    }

    #[test]
    fn a_client_is_an_address_or_a_network() {
        assert_eq!(bucket("2001:db8::1"), bucket("2001:db8::2"));
        assert_ne!(bucket("2001:db8::1"), bucket("2001:db8:0:1::1"));
        assert_eq!(bucket("::ffff:192.0.2.1"), bucket("192.0.2.1"));
        assert_ne!(bucket("192.0.2.1"), bucket("192.0.2.2"));
        let other = RateTable::new([8; 16]).bucket("192.0.2.1".parse().unwrap(), "/oauth2/token");
        assert_ne!(other, bucket("192.0.2.1"));
    }
}

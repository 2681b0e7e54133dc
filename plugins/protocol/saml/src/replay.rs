//! Message IDs seen before, where there is nothing but fixed slots of shared bytes.
use sha2::{Digest as _, Sha256};

use crate::JudgedAuthnRequest;

/// Entries of one bucket.
const BUCKET: usize = 8;
/// Bytes of an entry: 16 of a hash, 8 of the instant until which it is remembered.
const ENTRY: usize = 24;

/// A table of buckets in somebody's shared memory, for a filter in the DMZ. The LAN remembers for
/// itself.
///
/// Signed and unsigned requests have buckets of their own: who can't sign can't push out what a
/// signer sent. In a full bucket the entry that ends first gives way.
#[derive(Clone, Copy, Debug)]
pub struct ReplayTable {
    buckets: u64,
}

/// Where a request is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayEntry {
    /// Name of its bucket.
    pub bucket: String,
    hash: [u8; 16],
    until: u64,
}

impl ReplayTable {
    /// A table for that many requests of each kind.
    pub fn new(slots: u32) -> Self {
        Self { buckets: u64::from(slots).div_ceil(8).max(1) }
    }

    /// Where the request is remembered.
    pub fn entry(&self, request: &JudgedAuthnRequest) -> ReplayEntry {
        let digest = Sha256::digest(request.replay_key().as_bytes());
        let (hash, rest) = digest.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        let number = rest.first_chunk::<8>().copied().map_or(0, u64::from_be_bytes);
        let number = number.checked_rem(self.buckets).unwrap_or(0);
        let kind = if request.signed { "signed" } else { "unsigned" };
        ReplayEntry { bucket: format!("postern.saml.{kind}.{number}"), hash: *hash, until: request.until }
    }
}

impl ReplayEntry {
    /// The bucket's new content, or none when the request is remembered there already.
    pub fn remember(&self, bucket: &[u8], now: u64) -> Option<Vec<u8>> {
        let mut entries: Vec<([u8; 16], u64)> =
            bucket.chunks_exact(ENTRY).filter_map(read).filter(|(_, until)| *until >= now).collect();
        if entries.iter().any(|(hash, _)| *hash == self.hash) {
            return None;
        }
        entries.sort_by_key(|(_, until)| core::cmp::Reverse(*until));
        entries.truncate(BUCKET.saturating_sub(1));
        entries.push((self.hash, self.until));
        let mut bytes = Vec::with_capacity(entries.len().saturating_mul(ENTRY));
        for (hash, until) in entries {
            bytes.extend_from_slice(&hash);
            bytes.extend_from_slice(&until.to_be_bytes());
        }
        Some(bytes)
    }
}

fn read(entry: &[u8]) -> Option<([u8; 16], u64)> {
    let (hash, rest) = entry.split_first_chunk::<16>()?;
    Some((*hash, u64::from_be_bytes(*rest.first_chunk::<8>()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u8, until: u64) -> ReplayEntry {
        ReplayEntry { bucket: String::new(), hash: [number; 16], until }
    }

    #[test]
    fn a_request_is_remembered_until_it_is_stale() {
        let bucket = entry(1, 100).remember(b"", 50).unwrap();
        assert_eq!(entry(1, 100).remember(&bucket, 50), None);
        assert_eq!(entry(1, 100).remember(&bucket, 100), None);
        assert!(entry(1, 200).remember(&bucket, 101).is_some());
        assert!(entry(2, 100).remember(&bucket, 50).is_some());
    }

    #[test]
    fn a_full_bucket_drops_what_ends_first() {
        let mut bucket = Vec::new();
        for number in 1..=9 {
            bucket = entry(number, 100 + u64::from(number)).remember(&bucket, 50).unwrap();
        }
        assert_eq!(bucket.len(), BUCKET * ENTRY);
        assert!(entry(1, 200).remember(&bucket, 50).is_some());
        for number in 2..=9 {
            assert_eq!(entry(number, 200).remember(&bucket, 50), None, "{number}");
        }
    }
}

//! Proofs seen before, where there is nothing but fixed slots of shared bytes.

use crate::dpop::DpopProof;
use hmac::{Hmac, KeyInit as _, Mac as _};
use postern_refusal::Refusal;
use sha2::Sha256;

/// Entries of one bucket.
const BUCKET: usize = 32;

/// Bytes of the key that tells where a proof is remembered.
pub const PROOF_MEMORY_KEY: usize = 32;

/// Bytes of an entry: 16 of a hash, 8 of the instant until which the proof is good.
const ENTRY: usize = 24;

/// A table of buckets in somebody's shared memory.
#[derive(Clone, Copy, Debug)]
pub struct ProofMemory {
    buckets: u64,
}

/// Where a proof is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofEntry {
    /// Name of its bucket.
    pub bucket: String,
    hash: [u8; 16],
    until: u64,
}

impl ProofMemory {
    /// A memory for so many proofs.
    pub fn new(proofs: u32) -> Self {
        Self { buckets: u64::from(proofs).div_ceil(32).max(1) }
    }

    /// Where a proof is remembered. `jti` counts together with the key that signed it: nobody else's
    /// proofs can stand in the way of one's own. `key` is random, and the same for all workers: a client
    /// that could tell the bucket from its `jti` would fill one with every 32 proofs, and lock out whoever
    /// comes to that one.
    pub fn entry(&self, key: &[u8; PROOF_MEMORY_KEY], proof: &DpopProof) -> ProofEntry {
        let mut digest = [0; 32];
        // A key of any length is taken: without one all proofs would be one.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) {
            mac.update(proof.thumbprint.as_bytes());
            mac.update(b"\n");
            mac.update(proof.proof_id.as_bytes());
            digest = mac.finalize().into_bytes().into();
        }
        let (hash, rest) = digest.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        let number = rest.first_chunk::<8>().copied().map_or(0, u64::from_be_bytes);
        let number = number.checked_rem(self.buckets).unwrap_or(0);
        ProofEntry {
            bucket: format!("postern.token-validator.proofs {number}"),
            hash: *hash,
            until: proof.until,
        }
    }
}

impl ProofEntry {
    /// The bucket's new content.
    ///
    /// # Errors
    /// `token.dpop.replayed` (401), and `token.dpop.memory-full` (503): a proof that can't be
    /// remembered could come again.
    pub fn remember(&self, bucket: &[u8], now: u64) -> Result<Vec<u8>, Refusal> {
        let live = bucket.chunks_exact(ENTRY).filter(|entry| until(entry) > now);
        let mut bytes: Vec<u8> = Vec::with_capacity(bucket.len().saturating_add(ENTRY));
        for entry in live {
            if entry.starts_with(&self.hash) {
                let refusal = Refusal::misbehaved("token.dpop.replayed").with_status(401);
                return Err(refusal.at("jti").expected("a proof that was not seen before"));
            }
            bytes.extend_from_slice(entry);
        }
        if bytes.len() >= BUCKET.saturating_mul(ENTRY) {
            let refusal = Refusal::internal("token.dpop.memory-full").with_status(503);
            return Err(refusal.at("dpop.remembered_proofs").expected("room for one more"));
        }
        bytes.extend_from_slice(&self.hash);
        bytes.extend_from_slice(&self.until.to_be_bytes());
        Ok(bytes)
    }
}

fn until(entry: &[u8]) -> u64 {
    entry.get(16..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u8, until: u64) -> ProofEntry {
        ProofEntry { bucket: String::new(), hash: [number; 16], until }
    }

    #[test]
    fn a_proof_comes_once_while_it_is_good() {
        let bucket = entry(1, 100).remember(b"", 50).unwrap();
        assert_eq!(entry(1, 100).remember(&bucket, 99).unwrap_err().code, "token.dpop.replayed");
        assert!(entry(1, 200).remember(&bucket, 100).is_ok());
        assert!(entry(2, 100).remember(&bucket, 50).is_ok());
    }

    #[test]
    fn a_full_bucket_forgets_nothing() {
        let mut bucket = Vec::new();
        for number in 0..32 {
            bucket = entry(number, 100).remember(&bucket, 50).unwrap();
        }
        assert_eq!(entry(32, 100).remember(&bucket, 50).unwrap_err().code, "token.dpop.memory-full");
        assert_eq!(entry(0, 100).remember(&bucket, 50).unwrap_err().code, "token.dpop.replayed");
        assert_eq!(entry(32, 200).remember(&bucket, 100).unwrap().len(), ENTRY);
    }

    #[test]
    fn another_key_has_another_place() {
        let memory = ProofMemory::new(65_536);
        let proof = |thumbprint: &str| DpopProof {
            thumbprint: thumbprint.into(),
            proof_id: "1".into(),
            until: 1,
            nonce: None,
        };
        let key = [7; PROOF_MEMORY_KEY];
        assert_ne!(memory.entry(&key, &proof("a")), memory.entry(&key, &proof("b")));
        assert_eq!(memory.entry(&key, &proof("a")), memory.entry(&key, &proof("a")));
        // Nobody outside can tell the place.
        assert_ne!(memory.entry(&[8; PROOF_MEMORY_KEY], &proof("a")), memory.entry(&key, &proof("a")));
    }
}

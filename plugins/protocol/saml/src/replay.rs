//! Messages seen before, where there is nothing but fixed slots of shared bytes.
use core::cell::OnceCell;
use core::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use postern_refusal::Refusal;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Entries of one bucket. Many, so that buckets fill evenly: with 64, and half of all slots taken,
/// four buckets in ten million are full (Poisson); with 16, one in 120 would be.
const BUCKET: usize = 64;
/// Bytes of an entry: 16 of a hash, 8 of the instant until which it is remembered.
const ENTRY: usize = 24;
/// How often a bucket is tried that other workers write to at the same time.
const TRIES: usize = 16;
/// Where the key is.
const KEY: &str = "postern.saml.replay.key";

/// A message that may be accepted once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// What tells it from any other: issuer and ID.
    pub key: String,
    /// Until when it would be accepted, seconds since 1970.
    pub until: u64,
    /// Whether a signature says that its issuer sent it.
    pub signed: bool,
}

impl Once {
    /// The refusal of a message that was accepted before.
    pub fn replayed(&self) -> Refusal {
        Refusal::misbehaved("saml.request.replayed")
            .at("ID")
            .expected("a request not seen before")
            .found(self.key.split(' ').next().unwrap_or_default())
    }
}

/// Memory that all workers of a proxy share, and that survives a restart of the filter.
pub trait SharedMemory {
    /// The value of that name and its version, none when it was never written.
    ///
    /// # Errors
    /// In the proxy's words.
    fn read(&self, name: &str) -> Result<Option<(Vec<u8>, u32)>, String>;

    /// Writes the value if what is there has still that version, or was never written when it is
    /// none. False when somebody else was faster.
    ///
    /// # Errors
    /// In the proxy's words.
    fn write(&self, name: &str, value: &[u8], version: Option<u32>) -> Result<bool, String>;

    /// Random bytes for a key, none when the proxy has no randomness.
    fn random(&self) -> Option<[u8; 32]>;
}

/// A table of buckets in shared memory, for a filter in the DMZ. The LAN remembers for itself.
///
/// **Which bucket** a message is in is told by a MAC under a key that the first worker makes and
/// keeps in the same memory, so that nobody outside can choose IDs that meet in one bucket.
///
/// **Two kinds of buckets**: who can't sign can't push out what a signer sent. A message is looked
/// up in both, so that a signed one does not come back without its signature.
///
/// **A full bucket of signed messages** refuses with 503 (`saml.replay.full`), since to forget one
/// would let it pass again. Only holders of registered keys can fill it: with the default of 16,384
/// slots and 420 seconds that a message lives, 39 signed messages a second, all the time; at 20 none
/// is refused in practice. A deployment with more sets `replay_slots` higher.
///
/// **A full bucket of unsigned messages** drops the entry that ends first. Anybody can send 39
/// unsigned requests a second; a refusal would lock out everybody else, while a repetition that is
/// not noticed gives nothing: whoever can repeat an unsigned request can also send it with another
/// ID. The memory is there against accidents, and the LAN has its own.
#[derive(Debug)]
pub struct ReplayTable {
    buckets: u64,
    key: OnceCell<Key>,
}

impl ReplayTable {
    /// A table for that many messages of each kind.
    pub fn new(slots: u32) -> Self {
        let buckets = u64::from(slots).div_ceil(BUCKET as u64).max(1);
        Self { buckets, key: OnceCell::new() }
    }

    /// Remembers the message among all workers at the time `now`, or refuses it.
    ///
    /// # Errors
    /// `saml.request.replayed`, `saml.replay.full`, `saml.replay.unavailable`.
    pub fn remember(&self, message: &Once, now: u64, memory: &dyn SharedMemory) -> Result<(), Refusal> {
        let (hash, number) = self.key(memory)?.place(&message.key, self.buckets)?;
        let own = name(message.signed, number);
        let mut tries = 0..TRIES;
        loop {
            if tries.next().is_none() {
                return Err(unavailable("other workers were faster each time"));
            }
            let (bytes, version) = match memory.read(&own).map_err(|error| unavailable(&error))? {
                Some((bytes, version)) => (bytes, Some(version)),
                None => (Vec::new(), None),
            };
            let mut bucket = Bucket::read(&bytes, now);
            if bucket.holds(&hash) {
                return Err(message.replayed());
            }
            if !bucket.add(hash, message.until, message.signed) {
                return Err(Refusal::internal("saml.replay.full")
                    .with_status(503)
                    .expected("replay_slots for all signed messages of seven minutes"));
            }
            if memory.write(&own, &bucket.bytes(), version).map_err(|error| unavailable(&error))? {
                break;
            }
        }
        // After the own bucket was written: of two that come at the same time, one sees the other.
        let other = memory.read(&name(!message.signed, number)).map_err(|error| unavailable(&error))?;
        match other {
            Some((bytes, _)) if Bucket::read(&bytes, now).holds(&hash) => Err(message.replayed()),
            _ => Ok(()),
        }
    }

    /// The key of all workers: whoever comes first makes it.
    fn key(&self, memory: &dyn SharedMemory) -> Result<&Key, Refusal> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let shared = || memory.read(KEY).map_err(|error| unavailable(&error));
        let mut found = shared()?;
        if found.is_none() {
            let fresh = Zeroizing::new(memory.random().ok_or_else(|| unavailable("no randomness"))?);
            memory.write(KEY, fresh.as_slice(), None).map_err(|error| unavailable(&error))?;
            // Its own, or that of who was faster.
            found = shared()?;
        }
        let bytes = Zeroizing::new(found.map(|(bytes, _)| bytes).unwrap_or_default());
        let key = bytes.as_slice().try_into().map_err(|_| unavailable("a key of another length"))?;
        Ok(self.key.get_or_init(|| Key(Zeroizing::new(key))))
    }
}

struct Key(Zeroizing<[u8; 32]>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(secret)")
    }
}

impl Key {
    /// The hash of a message, and the number of its bucket.
    fn place(&self, message: &str, buckets: u64) -> Result<([u8; 16], u64), Refusal> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice())
            .map_err(|_| unavailable("a key that can't be used"))?;
        mac.update(message.as_bytes());
        let digest = mac.finalize().into_bytes();
        let parts = digest.split_first_chunk::<16>().and_then(|(hash, rest)| {
            let number = u64::from_be_bytes(*rest.first_chunk::<8>()?).checked_rem(buckets)?;
            Some((*hash, number))
        });
        parts.ok_or_else(|| unavailable("a digest that is too short"))
    }
}

fn name(signed: bool, number: u64) -> String {
    format!("postern.saml.replay.{}.{number}", if signed { "signed" } else { "unsigned" })
}

/// What is remembered and has not ended.
struct Bucket(Vec<([u8; 16], u64)>);

impl Bucket {
    fn read(bytes: &[u8], now: u64) -> Self {
        let entries = bytes.chunks_exact(ENTRY).filter_map(|entry| {
            let (hash, rest) = entry.split_first_chunk::<16>()?;
            Some((*hash, u64::from_be_bytes(*rest.first_chunk::<8>()?)))
        });
        Self(entries.filter(|(_, until)| *until >= now).collect())
    }

    fn holds(&self, hash: &[u8; 16]) -> bool {
        self.0.iter().any(|(held, _)| held == hash)
    }

    /// False when it is full, and none may be dropped.
    fn add(&mut self, hash: [u8; 16], until: u64, signed: bool) -> bool {
        if self.0.len() >= BUCKET {
            if signed {
                return false;
            }
            self.0.sort_by_key(|(_, until)| core::cmp::Reverse(*until));
            self.0.truncate(BUCKET.saturating_sub(1));
        }
        self.0.push((hash, until));
        true
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(hash, until)| hash.iter().copied().chain(until.to_be_bytes())).collect()
    }
}

fn unavailable(found: &str) -> Refusal {
    Refusal::internal("saml.replay.unavailable")
        .with_status(503)
        .expected("shared memory and randomness")
        .found(found)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
#[path = "replay_tests.rs"]
mod tests;

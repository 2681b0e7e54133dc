//! Clock, randomness, keys and audit of a test.

use async_trait::async_trait;
use postern_kernel::audit::{Audit, Event};
use postern_kernel::clock::{Clock, Timestamp};
use postern_kernel::keys::{KeyRing, Opened, PeerAlgorithm, PublishedKey, Signature, SigningAlgorithm};
use postern_kernel::randomness::Randomness;
use postern_kernel::unavailable::Unavailable;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// A clock that the test sets.
pub(crate) struct SetClock(pub(crate) AtomicU64);

impl SetClock {
    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Different bytes each time.
pub(crate) struct Counted(pub(crate) AtomicU64);

impl Randomness for Counted {
    fn fill(&self, buffer: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        for (byte, value) in buffer.iter_mut().zip(count.iter().cycle()) {
            *byte = *value;
        }
    }
}

/// The flow signs nothing itself; it makes tokens.
pub(crate) struct MacOnly;

#[async_trait]
impl KeyRing for MacOnly {
    async fn provide(&self, _: &str, _: &[SigningAlgorithm]) -> Result<(), Unavailable> {
        Ok(())
    }

    fn sign(&self, _: &str, _: SigningAlgorithm, _: &[u8]) -> Result<Signature, Unavailable> {
        Err(Unavailable::new("keys", "no keys in this test"))
    }

    fn published(&self, _: &str) -> Vec<PublishedKey> {
        Vec::new()
    }

    fn verify(&self, _: PeerAlgorithm, _: &[u8], _: &[u8], _: &[u8]) -> bool {
        false
    }

    /// Not secret: bound to its place, and to be told from what went in.
    fn seal(&self, place: &[&str], value: &[u8]) -> Result<Vec<u8>, Unavailable> {
        let turned = value.iter().map(|byte| byte ^ 0x55);
        Ok(format!("{place:?}").into_bytes().into_iter().chain(turned).collect())
    }

    fn open(&self, place: &[&str], sealed: &[u8]) -> Result<Opened, Unavailable> {
        let place = format!("{place:?}");
        let value = sealed.strip_prefix(place.as_bytes());
        let value = value.ok_or_else(|| Unavailable::new("keys", "sealed elsewhere"))?;
        Ok(value.iter().map(|byte| byte ^ 0x55).collect::<Vec<_>>().into())
    }

    fn mac(&self, purpose: &'static str, message: &[u8]) -> [u8; 32] {
        postern_kernel::randomness::fingerprint(&format!("{purpose}:{}", String::from_utf8_lossy(message))).0
    }
}

/// Audit events by name and code, and by name and module.
#[derive(Default)]
pub(crate) struct Recorded(pub(crate) Mutex<Vec<String>>, Mutex<Vec<String>>);

impl Recorded {
    pub(crate) fn has(&self, event: &str) -> bool {
        self.0.lock().unwrap().iter().any(|known| known == event)
    }

    pub(crate) fn forget(&self) {
        self.0.lock().unwrap().clear();
        self.1.lock().unwrap().clear();
    }

    /// Whether the event is about this module: both with a space between.
    pub(crate) fn by(&self, event: &str) -> bool {
        self.1.lock().unwrap().iter().any(|known| known == event)
    }
}

impl Audit for Recorded {
    fn record(&self, event: &Event<'_>) {
        let code =
            event.fields.iter().find(|(name, _)| ["code", "why"].contains(name)).map_or("", |(_, code)| code);
        self.1.lock().unwrap().push(format!("{} {}", event.name, event.module.unwrap_or_default()));
        self.0.lock().unwrap().push(format!("{} {code}", event.name).trim_end().to_owned());
    }
}

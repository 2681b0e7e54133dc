//! The key ring.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::{hkdf, hmac, rand};
use postern_kernel::clock::{Clock, Timestamp};
use postern_kernel::keys::{
    DECRYPTION, EncryptedContent, KeyRing, Opened, PeerAlgorithm, PublishedKey, Signature, SigningAlgorithm,
};
use postern_kernel::store::{Store, StoredKey};
use postern_kernel::unavailable::Unavailable;
use rcgen::KeyUsagePurpose;
use zeroize::Zeroizing;

use crate::certificate::self_signed;
use crate::decrypt::DecryptionKey;
use crate::key::PrivateKey;
use crate::master::MasterKey;
use crate::seal::Sealer;
use crate::verify::verify;

/// Where the store keeps the sealed secret that keys for [`KeyRing::mac`] are derived from.
pub const SECRET_NAME: &str = "keys.secret";

const SECRET_LABELS: [&[u8]; 2] = [b"installation value", SECRET_NAME.as_bytes()];

/// Why the key ring was not opened.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The database was sealed under another master key, or somebody changed it.
    #[error(
        "keys.master.mismatch: {0} in this database was not sealed under this master key: \
         use the master key that the installation was made with"
    )]
    Mismatch(String),
    /// A stored key does not fit itself: the database was changed by somebody else than Postern.
    #[error("keys.stored.inconsistent: signing key {0} does not match its public half")]
    Inconsistent(String),
    /// The store or the crypto library can't serve.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<KeyRingError> for Unavailable {
    fn from(error: KeyRingError) -> Self {
        match error {
            KeyRingError::Unavailable(error) => error,
            other => Unavailable::new("keys", other),
        }
    }
}

/// The keys of all modules, in the store, sealed under the master key.
///
/// Signing and verifying work on a snapshot in memory; call [`SealedKeyRing::reload`] every few
/// seconds, since another node or the CLI may have rotated.
pub struct SealedKeyRing {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    sealer: Sealer,
    base_url: String,
    secret: hkdf::Prk,
    snapshot: RwLock<Arc<Snapshot>>,
}

/// The keys of each module: active ones first, newer ones first among equals.
type Snapshot = HashMap<String, Vec<Arc<LoadedKey>>>;

struct LoadedKey {
    module: String,
    private: PrivateKey,
    /// Of keys that peers encrypt for.
    decrypting: Option<DecryptionKey>,
    published: PublishedKey,
    created_at: Timestamp,
}

impl SealedKeyRing {
    /// Opens what the store holds. `base_url` is the public origin, for the name in certificates.
    ///
    /// # Errors
    /// [`KeyRingError::Mismatch`] when the master key is another one than the installation's.
    pub async fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        master: &MasterKey,
        base_url: &str,
    ) -> Result<Self, KeyRingError> {
        let sealer = Sealer::new(master).ok_or_else(|| crypto("no AES-256-GCM"))?;
        let secret = provide_secret(store.as_ref(), &sealer).await?;
        let ring =
            Self { store, clock, sealer, base_url: base_url.into(), secret, snapshot: RwLock::default() };
        ring.load().await?;
        Ok(ring)
    }

    /// Takes over what other nodes or the CLI have changed in the store. When that fails, the
    /// snapshot stays as it is.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't serve or holds what this master key does not open.
    pub async fn reload(&self) -> Result<(), Unavailable> {
        self.load().await.map_err(Unavailable::from)
    }

    /// Makes new keys for the module: of one algorithm, or of all that it has an active key of.
    /// The keys of before stay published, see [`Self::remove_retired_before`]. Returns the
    /// identifiers of the new ones.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't serve.
    pub async fn rotate(
        &self,
        module: &str,
        algorithm: Option<SigningAlgorithm>,
    ) -> Result<Vec<String>, Unavailable> {
        self.reload().await?;
        let algorithms = match algorithm {
            Some(algorithm) => vec![algorithm],
            None => self.published(module).iter().filter(|key| key.active).map(|key| key.algorithm).collect(),
        };
        let mut made = Vec::new();
        for algorithm in algorithms {
            let key = self.generate(module, algorithm).await?;
            self.store.add_key(&key).await?;
            made.push(key.key_id);
        }
        self.reload().await?;
        Ok(made)
    }

    /// Removes keys that were retired before the time, when all that they signed has expired; how many.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't serve.
    pub async fn remove_retired_before(&self, time: Timestamp) -> Result<u64, Unavailable> {
        let removed = self.store.remove_keys_retired_before(time).await?;
        self.reload().await?;
        Ok(removed)
    }

    /// The modules that have keys, in the order of their names.
    pub fn modules(&self) -> Vec<String> {
        let mut modules: Vec<_> = self.snapshot().keys().cloned().collect();
        modules.sort_unstable();
        modules
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        // A whole snapshot is swapped for another: a panic can't leave half of one.
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn load(&self) -> Result<(), KeyRingError> {
        let stored = self.store.keys().await?;
        let before = self.snapshot();
        let mut after = Snapshot::new();
        for key in stored {
            let loaded = match find(&before, &key) {
                Some(known) => known,
                None => Arc::new(open_key(&self.sealer, key)?),
            };
            after.entry(loaded.module.clone()).or_default().push(loaded);
        }
        for keys in after.values_mut() {
            keys.sort_by(|a, b| {
                (b.published.active, b.created_at, &b.published.key_id).cmp(&(
                    a.published.active,
                    a.created_at,
                    &a.published.key_id,
                ))
            });
        }
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(after);
        Ok(())
    }

    async fn generate(&self, module: &str, algorithm: SigningAlgorithm) -> Result<StoredKey, Unavailable> {
        let now = self.clock.now();
        let base_url = self.base_url.clone();
        // RSA takes long enough to hold others up.
        let usage = if module.ends_with(DECRYPTION) {
            KeyUsagePurpose::KeyEncipherment
        } else {
            KeyUsagePurpose::DigitalSignature
        };
        let made = tokio::task::spawn_blocking(move || make(algorithm, &base_url, usage, now));
        let made = made.await.map_err(crypto)??;
        let labels = labels(module, algorithm.as_str(), &made.key_id, &made.fingerprint);
        let sealed = self.sealer.seal(&labels, &made.pkcs8).ok_or_else(|| crypto("no randomness"))?;
        Ok(StoredKey {
            key_id: made.key_id,
            module: module.into(),
            algorithm: algorithm.as_str().into(),
            spki: made.spki,
            certificate: made.certificate,
            sealed,
            created_at: now,
            retired_at: None,
        })
    }

    fn has_active(&self, module: &str, algorithm: SigningAlgorithm) -> bool {
        self.published(module).iter().any(|key| key.active && key.algorithm == algorithm)
    }
}

#[async_trait]
impl KeyRing for SealedKeyRing {
    async fn provide(&self, module: &str, algorithms: &[SigningAlgorithm]) -> Result<(), Unavailable> {
        if algorithms.iter().all(|algorithm| self.has_active(module, *algorithm)) {
            return Ok(());
        }
        self.reload().await?;
        for algorithm in algorithms {
            if self.has_active(module, *algorithm) {
                continue;
            }
            let key = self.generate(module, *algorithm).await?;
            // False: another node was first, and its key is read back.
            if self.store.add_first_key(&key).await? {
                tracing::info!(module, algorithm = algorithm.as_str(), key = key.key_id, "signing key made");
            }
        }
        self.reload().await
    }

    fn sign(
        &self,
        module: &str,
        algorithm: SigningAlgorithm,
        message: &[u8],
    ) -> Result<Signature, Unavailable> {
        let snapshot = self.snapshot();
        let keys = snapshot.get(module).map(Vec::as_slice).unwrap_or_default();
        let key = keys
            .iter()
            .find(|key| {
                key.decrypting.is_none() && key.published.active && key.published.algorithm == algorithm
            })
            .ok_or_else(|| crypto(format_args!("{module} has no active key for {}", algorithm.as_str())))?;
        let bytes = key.private.sign(message).map_err(|_| crypto("signing failed"))?;
        Ok(Signature { key_id: key.published.key_id.clone(), bytes })
    }

    fn published(&self, module: &str) -> Vec<PublishedKey> {
        let snapshot = self.snapshot();
        let keys = snapshot.get(module).map(Vec::as_slice).unwrap_or_default();
        keys.iter().map(|key| key.published.clone()).collect()
    }

    fn verify(&self, algorithm: PeerAlgorithm, spki: &[u8], message: &[u8], signature: &[u8]) -> bool {
        verify(algorithm, spki, message, signature)
    }

    fn decrypt(&self, name: &str, encrypted: &EncryptedContent) -> Option<Opened> {
        let snapshot = self.snapshot();
        let keys = snapshot.get(name).map(Vec::as_slice).unwrap_or_default();
        keys.iter().find_map(|key| key.decrypting.as_ref()?.open(encrypted))
    }

    fn seal(&self, place: &[&str], value: &[u8]) -> Result<Vec<u8>, Unavailable> {
        let sealer = Sealer::for_place(&self.secret, place).ok_or_else(|| crypto("no AES-256-GCM"))?;
        sealer.seal(&labels_of(place), value).ok_or_else(|| crypto("no randomness"))
    }

    fn open(&self, place: &[&str], sealed: &[u8]) -> Result<Opened, Unavailable> {
        let sealer = Sealer::for_place(&self.secret, place).ok_or_else(|| crypto("no AES-256-GCM"))?;
        let name = place.first().copied().unwrap_or_default();
        let opened = sealer.open(&labels_of(place), sealed);
        opened.map_err(|_| crypto(format_args!("keys.sealed.mismatch: a {name} was not sealed here")))
    }

    fn mac(&self, purpose: &'static str, message: &[u8]) -> [u8; 32] {
        let info = [purpose.as_bytes()];
        let derived = self.secret.expand(&info, hmac::HMAC_SHA256).expect("32 bytes are within HKDF's limit");
        let tag = hmac::sign(&hmac::Key::from(derived), message);
        tag.as_ref().try_into().expect("HMAC-SHA-256 yields 32 bytes")
    }
}

fn labels_of<'p>(place: &[&'p str]) -> Vec<&'p [u8]> {
    place.iter().map(|name| name.as_bytes()).collect()
}

/// Opens the private key and checks that the public half beside it is its own: whoever can
/// write to the database can't have a key of theirs published.
fn open_key(sealer: &Sealer, key: StoredKey) -> Result<LoadedKey, KeyRingError> {
    let inconsistent = || KeyRingError::Inconsistent(key.key_id.clone());
    let pkcs8 = sealer
        .open(&labels(&key.module, &key.algorithm, &key.key_id, &fingerprint(&key.certificate)), &key.sealed)
        .map_err(|_| KeyRingError::Mismatch(format!("signing key {}", key.key_id)))?;
    let algorithm = SigningAlgorithm::from_name(&key.algorithm).ok_or_else(inconsistent)?;
    let private = PrivateKey::from_pkcs8(algorithm, &pkcs8).map_err(|_| inconsistent())?;
    let is_own = private.spki().is_ok_and(|spki| spki == key.spki)
        && private.thumbprint().is_ok_and(|thumbprint| thumbprint == key.key_id);
    if !is_own {
        return Err(inconsistent());
    }
    let decrypts = key.module.ends_with(DECRYPTION) && algorithm == SigningAlgorithm::Rs256;
    let decrypting =
        decrypts.then(|| DecryptionKey::from_pkcs8(&pkcs8).ok_or_else(inconsistent)).transpose()?;
    Ok(LoadedKey {
        module: key.module,
        private,
        decrypting,
        published: PublishedKey {
            key_id: key.key_id,
            algorithm,
            spki: key.spki,
            certificate: key.certificate,
            active: key.retired_at.is_none(),
        },
        created_at: key.created_at,
    })
}

struct MadeKey {
    key_id: String,
    pkcs8: Zeroizing<Vec<u8>>,
    spki: Vec<u8>,
    certificate: Vec<u8>,
    fingerprint: Vec<u8>,
}

fn make(
    algorithm: SigningAlgorithm,
    base_url: &str,
    usage: KeyUsagePurpose,
    now: Timestamp,
) -> Result<MadeKey, Unavailable> {
    let (private, pkcs8) = PrivateKey::generate(algorithm).map_err(|_| crypto("no key was generated"))?;
    let certificate = self_signed(&private, &pkcs8, algorithm, base_url, usage, now).map_err(crypto)?;
    Ok(MadeKey {
        key_id: private.thumbprint().map_err(|_| crypto("no thumbprint"))?,
        spki: private.spki().map_err(|_| crypto("no SubjectPublicKeyInfo"))?,
        fingerprint: fingerprint(&certificate),
        certificate,
        pkcs8,
    })
}

/// The key as it was loaded before, unless it has retired since.
fn find(snapshot: &Snapshot, key: &StoredKey) -> Option<Arc<LoadedKey>> {
    let known = snapshot.get(&key.module)?.iter().find(|known| known.published.key_id == key.key_id)?;
    let is_same = known.published.active == key.retired_at.is_none()
        && known.published.algorithm.as_str() == key.algorithm
        && known.published.spki == key.spki
        && known.published.certificate == key.certificate;
    is_same.then(|| Arc::clone(known))
}

/// What a sealed private key belongs to.
fn labels<'a>(module: &'a str, algorithm: &'a str, key_id: &'a str, fingerprint: &'a [u8]) -> [&'a [u8]; 5] {
    [b"signing key", module.as_bytes(), algorithm.as_bytes(), key_id.as_bytes(), fingerprint]
}

/// SHA-256 of the certificate.
fn fingerprint(certificate: &[u8]) -> Vec<u8> {
    digest(&SHA256, certificate).as_ref().to_vec()
}

fn open_secret(sealer: &Sealer, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyRingError> {
    sealer
        .open(&SECRET_LABELS, sealed)
        .map_err(|_| KeyRingError::Mismatch("the installation's secret".into()))
}

/// Whether all of this opens under the master key: the keys of a store, and its value
/// [`SECRET_NAME`].
///
/// # Errors
/// [`KeyRingError::Mismatch`], [`KeyRingError::Inconsistent`].
pub fn check_sealed(
    master: &MasterKey,
    keys: Vec<StoredKey>,
    secret: Option<&[u8]>,
) -> Result<(), KeyRingError> {
    let sealer = Sealer::new(master).ok_or_else(|| crypto("no AES-256-GCM"))?;
    if let Some(secret) = secret {
        open_secret(&sealer, secret)?;
    }
    for key in keys {
        open_key(&sealer, key)?;
    }
    Ok(())
}

/// The installation's secret: made by whichever node is first, and sealed.
async fn provide_secret(store: &dyn Store, sealer: &Sealer) -> Result<hkdf::Prk, KeyRingError> {
    let sealed = match store.installation_value(SECRET_NAME).await? {
        Some(sealed) => sealed,
        None => {
            let mut fresh = Zeroizing::new([0; 32]);
            rand::fill(fresh.as_mut_slice()).map_err(|_| crypto("no randomness"))?;
            let sealed =
                sealer.seal(&SECRET_LABELS, fresh.as_slice()).ok_or_else(|| crypto("no randomness"))?;
            store.provide_installation_value(SECRET_NAME, &sealed).await?
        }
    };
    let secret = open_secret(sealer, &sealed)?;
    Ok(hkdf::Salt::new(hkdf::HKDF_SHA256, b"postern installation secret").extract(&secret))
}

fn crypto(detail: impl core::fmt::Display) -> Unavailable {
    Unavailable::new("keys", detail)
}

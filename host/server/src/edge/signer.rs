//! Whose key signs what filters fetch. There are two slots in the key ring: one signs, the other one holds
//! the successor, which is published, and so known to the filters, before it signs.

use postern_kernel::keys::{KeyRing, PublishedKey, SigningAlgorithm};
use postern_kernel::store::Store;
use postern_kernel::unavailable::Unavailable;

use crate::cli::Failure;

/// The name of both in the key ring, and of the first slot. No module can have such a name, and sign with
/// them: the sandbox refuses names with a full stop.
pub(crate) const SIGNER: &str = "edge.feed";
/// The second slot.
const SECOND: &str = "edge.feed.second";
/// Where the store keeps which of them signs. Absent: the first.
const VALUE: &str = "edge.feed.signer";
/// What signs: verified by Envoy natively.
const ALGORITHM: SigningAlgorithm = SigningAlgorithm::Es256;

/// The slot that signs now.
pub(crate) async fn current(store: &dyn Store) -> Result<&'static str, Unavailable> {
    let kept = store.installation_value(VALUE).await?;
    Ok(if kept.as_deref() == Some(SECOND.as_bytes()) { SECOND } else { SIGNER })
}

fn other(slot: &str) -> &'static str {
    if slot == SIGNER { SECOND } else { SIGNER }
}

/// Makes the first key, where there is none.
pub(crate) async fn provide(keys: &dyn KeyRing, store: &dyn Store) -> Result<(), Unavailable> {
    keys.provide(current(store).await?, &[ALGORITHM]).await
}

/// What signs now.
pub(crate) struct SigningKey {
    /// Its slot in the key ring.
    pub(crate) slot: &'static str,
    /// Its identifier.
    pub(crate) key_id: String,
}

/// The key that signs now.
pub(crate) async fn signing_key(keys: &dyn KeyRing, store: &dyn Store) -> Result<SigningKey, Failure> {
    let slot = current(store).await?;
    let active = keys.published(slot).into_iter().find(|key| key.active);
    let active = active.ok_or_else(|| Failure::new("no key for the edge"))?;
    Ok(SigningKey { slot, key_id: active.key_id })
}

/// All keys that filters are told: of the slot that signs, of its successor, and retired ones.
pub(crate) async fn published(
    keys: &dyn KeyRing,
    store: &dyn Store,
) -> Result<Vec<PublishedKey>, Unavailable> {
    let signing = current(store).await?;
    Ok([keys.published(signing), keys.published(other(signing))].concat())
}

/// What a rotation has done.
pub(crate) struct Rotated {
    /// Identifiers of the keys.
    pub(crate) key_ids: Vec<String>,
    /// Whether they sign from now on, or are published only.
    pub(crate) sign: bool,
}

/// The first half of a rotation makes the successor, and the old key goes on signing; the second one
/// (`switch`) lets the successor sign.
pub(crate) async fn rotate(
    keys: &postern_keys::SealedKeyRing,
    store: &dyn Store,
    switch: bool,
) -> Result<Rotated, Failure> {
    let next = other(current(store).await?);
    if !switch {
        let key_ids = keys.rotate(next, Some(ALGORITHM)).await?;
        return Ok(Rotated { key_ids, sign: false });
    }
    let active: Vec<String> =
        keys.published(next).into_iter().filter(|key| key.active).map(|key| key.key_id).collect();
    if active.is_empty() {
        return Err(Failure::new("there is no successor: `postern keys rotate edge.feed` makes one first"));
    }
    store.set_installation_value(VALUE, next.as_bytes()).await?;
    Ok(Rotated { key_ids: active, sign: true })
}

//! What authenticators keep about people: shared secrets, public keys. Sealed by the key ring, each under
//! a key for its authenticator, person and record, and never in a log.

use core::fmt;

use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::randomness::identifier;
use crate::services::Installation;
use crate::store::StoredCredential;
use crate::unavailable::Unavailable;

/// Most records that one authenticator keeps of one person.
pub const MOST: u32 = 16;
/// Most bytes of a record.
pub const MAX_DATA: usize = 4 << 10;
/// Most bytes of its label.
pub const MAX_LABEL: usize = 64;

/// A record, opened.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// Unique.
    pub id: String,
    /// What the person calls it.
    pub label: String,
    /// The authenticator's own.
    pub data: Zeroizing<Vec<u8>>,
    /// Another one after each change.
    pub version: u64,
    /// When it was added.
    pub created_at: Timestamp,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({} {})", self.id, self.version)
    }
}

/// The records of one authenticator about one person.
pub(crate) struct Credentials<'i> {
    pub(crate) installation: &'i Installation,
    pub(crate) authenticator: &'i str,
    pub(crate) subject: &'i str,
}

impl Credentials<'_> {
    /// The oldest first.
    pub(crate) async fn list(&self) -> Result<Vec<Credential>, Unavailable> {
        let stored = self.installation.store.credentials(self.authenticator, self.subject).await?;
        stored.into_iter().map(|credential| self.open(credential)).collect()
    }

    /// Whether there are any.
    pub(crate) async fn exist(&self) -> Result<bool, Unavailable> {
        Ok(!self.installation.store.credentials(self.authenticator, self.subject).await?.is_empty())
    }

    /// The new record's identifier; `None` when there are [`MOST`]. Label and data are within their sizes.
    pub(crate) async fn add(&self, label: &str, data: &[u8]) -> Result<Option<String>, Unavailable> {
        self.add_as(identifier(self.installation.randomness.as_ref()), label, data).await
    }

    /// The same with this identifier, which no record has.
    pub(crate) async fn add_as(
        &self,
        id: String,
        label: &str,
        data: &[u8],
    ) -> Result<Option<String>, Unavailable> {
        let credential = StoredCredential {
            sealed: self.seal(&id, label, data)?,
            id,
            authenticator: self.authenticator.into(),
            subject: self.subject.into(),
            version: 1,
            created_at: self.installation.clock.now(),
        };
        let added = self.installation.store.add_credential(&credential, MOST).await?;
        Ok(added.then_some(credential.id))
    }

    /// False when it has changed since that version was read.
    pub(crate) async fn replace(&self, id: &str, version: u64, data: &[u8]) -> Result<bool, Unavailable> {
        let Some(known) = self.list().await?.into_iter().find(|known| known.id == id) else {
            return Ok(false);
        };
        let credential = StoredCredential {
            id: id.into(),
            authenticator: self.authenticator.into(),
            subject: self.subject.into(),
            sealed: self.seal(id, &known.label, data)?,
            version,
            created_at: known.created_at,
        };
        self.installation.store.replace_credential(&credential).await
    }

    /// False when it was not there.
    pub(crate) async fn remove(&self, id: &str) -> Result<bool, Unavailable> {
        self.installation.store.remove_credential(self.authenticator, self.subject, id).await
    }

    fn place<'p>(&'p self, id: &'p str) -> [&'p str; 4] {
        ["credential", self.authenticator, self.subject, id]
    }

    /// The label's length in one byte, the label, and the data.
    fn seal(&self, id: &str, label: &str, data: &[u8]) -> Result<Vec<u8>, Unavailable> {
        let length = u8::try_from(label.len()).map_err(|_| Unavailable::new("keys", "label too long"))?;
        let value = Zeroizing::new([&[length], label.as_bytes(), data].concat());
        self.installation.keys.seal(&self.place(id), &value)
    }

    pub(crate) fn open(&self, stored: StoredCredential) -> Result<Credential, Unavailable> {
        let value = self.installation.keys.open(&self.place(&stored.id), &stored.sealed)?;
        let read = value.split_first().and_then(|(length, rest)| rest.split_at_checked(usize::from(*length)));
        let (label, data) = read.ok_or_else(|| Unavailable::new("store", "a credential is cut short"))?;
        let label = String::from_utf8(label.to_vec()).map_err(|error| Unavailable::new("store", error))?;
        let StoredCredential { id, version, created_at, .. } = stored;
        Ok(Credential { id, label, data: data.to_vec().into(), version, created_at })
    }
}

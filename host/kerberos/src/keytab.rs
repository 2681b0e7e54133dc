//! A keytab, format 5.02 of MIT, as `ktadd` and `ktutil` write it.

use crate::encryption::{Encryption, Key};
use crate::message::Principal;

const VERSION: [u8; 2] = [5, 2];
/// Bytes of a file that is read.
const MAX_FILE: usize = 1 << 20;

/// The keys of services.
#[derive(Debug)]
pub struct Keytab {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    principal: Principal,
    version: u32,
    key: Key,
}

/// Why a file is no keytab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeytabError {
    /// It is cut, of another version, or longer than 1 MiB.
    Malformed,
    /// It has no key of a kind that is allowed.
    NoKeys,
}

impl core::fmt::Display for KeytabError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Malformed => "kerberos.keytab.malformed: it is no keytab of format 5.02",
            Self::NoKeys => "kerberos.keytab.empty: it has no key of AES",
        })
    }
}

impl core::error::Error for KeytabError {}

impl Keytab {
    /// Reads a file's contents. Keys of other kinds than AES are left out.
    ///
    /// # Errors
    /// [`KeytabError`].
    pub fn read(bytes: &[u8]) -> Result<Self, KeytabError> {
        if bytes.len() > MAX_FILE {
            return Err(KeytabError::Malformed);
        }
        let mut file = File(bytes.strip_prefix(&VERSION).ok_or(KeytabError::Malformed)?);
        let mut entries = Vec::new();
        while !file.0.is_empty() {
            let size = i32::from_be_bytes(file.array()?);
            let entry =
                file.bytes(usize::try_from(size.unsigned_abs()).map_err(|_| KeytabError::Malformed)?)?;
            // Where one was deleted there is a hole.
            if size > 0 {
                entries.extend(Entry::read(entry)?);
            }
        }
        if entries.is_empty() { Err(KeytabError::NoKeys) } else { Ok(Self { entries }) }
    }

    /// The key of the service with this encryption and version.
    pub(crate) fn key(&self, service: &Principal, encryption: Encryption, version: u32) -> Option<&Key> {
        let is_it = |entry: &&Entry| {
            entry.principal == *service && entry.key.encryption == encryption && entry.version == version
        };
        self.entries.iter().find(is_it).map(|entry| &entry.key)
    }

    /// Whether there is any key of the service.
    pub fn has(&self, service: &Principal) -> bool {
        self.entries.iter().any(|entry| entry.principal == *service)
    }
}

impl Entry {
    /// `None`: a key of a kind that is not allowed.
    fn read(bytes: &[u8]) -> Result<Option<Self>, KeytabError> {
        let mut entry = File(bytes);
        let count = u16::from_be_bytes(entry.array()?);
        let realm = entry.text()?;
        let name = (0..count).map(|_| entry.text()).collect::<Result<Vec<_>, _>>()?;
        let _name_type: [u8; 4] = entry.array()?;
        let _written: [u8; 4] = entry.array()?;
        let [short] = entry.array()?;
        let encryption = Encryption::of_number(i16::from_be_bytes(entry.array()?).into());
        let key = entry.counted()?;
        // The version again, where it has more than 8 bits.
        let version = match entry.0.len() {
            0..=3 => u32::from(short),
            _ => match u32::from_be_bytes(entry.array()?) {
                0 => u32::from(short),
                long => long,
            },
        };
        let Some(encryption) = encryption else { return Ok(None) };
        let key = Key::new(encryption, key).ok_or(KeytabError::Malformed)?;
        Ok(Some(Self { principal: Principal { realm, name }, version, key }))
    }
}

struct File<'f>(&'f [u8]);

impl<'f> File<'f> {
    fn bytes(&mut self, count: usize) -> Result<&'f [u8], KeytabError> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(KeytabError::Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], KeytabError> {
        self.bytes(N)?.try_into().map_err(|_| KeytabError::Malformed)
    }

    fn counted(&mut self) -> Result<&'f [u8], KeytabError> {
        let count = u16::from_be_bytes(self.array()?);
        self.bytes(usize::from(count))
    }

    fn text(&mut self) -> Result<String, KeytabError> {
        String::from_utf8(self.counted()?.to_vec()).map_err(|_| KeytabError::Malformed)
    }
}

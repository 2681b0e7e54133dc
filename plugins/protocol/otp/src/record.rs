//! What is kept about a phone: its key, and the last step that a code was taken of.

use alloc::vec::Vec;

use crate::key::Key;

/// Later versions go on reading this one.
const VERSION: u8 = 1;

/// Version, last step (8 bytes, big-endian), key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The shared secret.
    pub key: Key,
    /// No code of this step or before it is good any more.
    pub last: u64,
}

/// Not a record that this version wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordError;

impl Record {
    /// As it is kept.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(9_usize.saturating_add(Key::LENGTH));
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.last.to_be_bytes());
        bytes.extend_from_slice(self.key.bytes());
        bytes
    }

    /// What [`Record::write`] wrote.
    ///
    /// # Errors
    /// [`RecordError`] when it is anything else.
    pub fn read(bytes: &[u8]) -> Result<Self, RecordError> {
        let (version, rest) = bytes.split_first().ok_or(RecordError)?;
        let (last, key) = rest.split_first_chunk::<8>().ok_or(RecordError)?;
        if *version != VERSION {
            return Err(RecordError);
        }
        Ok(Self { key: Key::new(key).ok_or(RecordError)?, last: u64::from_be_bytes(*last) })
    }
}

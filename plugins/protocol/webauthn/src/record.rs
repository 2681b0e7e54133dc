//! What is kept about a credential.

use alloc::string::String;
use alloc::vec::Vec;

use postern_signature::{Algorithm, PublicKey};
use serde::{Deserialize, Serialize};

use crate::bytes::{Base64Url, object};
use crate::registration::Registered;

/// Later versions go on reading this one.
const VERSION: u8 = 1;

/// A credential of a person. No part of it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The credential's id.
    pub id: Vec<u8>,
    /// What the authenticator calls the person. Random: it says nothing about them.
    pub user_handle: Vec<u8>,
    /// What the key is for.
    pub algorithm: Algorithm,
    /// The public key.
    pub key: PublicKey,
    /// The highest that was seen.
    pub counter: u32,
    /// Whether the key may leave the authenticator.
    pub is_backup_eligible: bool,
    /// Whether a trust anchor vouches for the authenticator.
    pub is_vouched_for: bool,
    /// The kind of authenticator.
    pub aaguid: [u8; 16],
    /// Ways to reach it.
    pub transports: Vec<String>,
}

/// Not a record that this version wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordError;

/// As it is kept.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u8,
    id: Base64Url,
    user: Base64Url,
    algorithm: String,
    key: Base64Url,
    counter: u32,
    backup_eligible: bool,
    vouched_for: bool,
    aaguid: Base64Url,
    transports: Vec<String>,
}

impl Record {
    /// Of a credential that was registered just now.
    pub fn new(registered: Registered, user_handle: Vec<u8>, is_vouched_for: bool) -> Self {
        let Registered { id, algorithm, key, counter, is_backup_eligible, aaguid, transports, .. } =
            registered;
        Self {
            id,
            user_handle,
            algorithm,
            key,
            counter,
            is_backup_eligible,
            is_vouched_for,
            aaguid,
            transports,
        }
    }

    /// As it is kept: JSON, under 4 KiB.
    pub fn write(&self) -> Vec<u8> {
        let written = Written {
            version: VERSION,
            id: Base64Url(self.id.clone()),
            user: Base64Url(self.user_handle.clone()),
            algorithm: self.algorithm.jwa_name().into(),
            key: Base64Url(self.key.spki().to_vec()),
            counter: self.counter,
            backup_eligible: self.is_backup_eligible,
            vouched_for: self.is_vouched_for,
            aaguid: Base64Url(self.aaguid.to_vec()),
            transports: self.transports.clone(),
        };
        serde_json::to_vec(&written).unwrap_or_default()
    }

    /// What [`Record::write`] wrote.
    ///
    /// # Errors
    /// [`RecordError`] when it is anything else.
    pub fn read(bytes: &[u8]) -> Result<Self, RecordError> {
        let written: Written = object(bytes).map_err(|_| RecordError)?;
        if written.version != VERSION {
            return Err(RecordError);
        }
        Ok(Self {
            id: written.id.0,
            user_handle: written.user.0,
            algorithm: Algorithm::from_jwa_name(&written.algorithm).ok_or(RecordError)?,
            key: PublicKey::from_spki(written.key.0),
            counter: written.counter,
            is_backup_eligible: written.backup_eligible,
            is_vouched_for: written.vouched_for,
            aaguid: written.aaguid.0.try_into().map_err(|_| RecordError)?,
            transports: written.transports,
        })
    }
}

//! Records that are found by what a device says, when nobody is known yet: `credential-index` in
//! `wit/authenticator.wit`.
//!
//! A record's identifier is a MAC of its handle, so that the store learns no handle and nobody makes one up
//! that leads to a record. Whom a call finds it may name: the record is the authenticator's own, and whoever
//! trusts it to verify its records trusts it no further by this. One that finds without verifying lets
//! people in whom it set itself up for, and nobody else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{AuthenticatorServices, CredentialError};
use crate::authenticator::Purpose;
use crate::credentials::{self, Credential, Credentials};
use crate::keys::PeerAlgorithm;

/// Most bytes of a handle.
pub const MAX_HANDLE: usize = 1_024;

/// What is in the way of a record with a handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexedCredential {
    /// Nothing: its identifier.
    Added(String),
    /// The person has [`credentials::MOST`].
    Full,
    /// There is one with this handle.
    Taken,
}

/// A record and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The person.
    pub subject: String,
    /// Their name.
    pub username: String,
    /// The record.
    pub credential: Credential,
}

impl AuthenticatorServices {
    /// Adds a record that [`Self::find_credential`] finds by `handle`.
    pub async fn add_indexed_credential(
        &self,
        subject: &str,
        label: &str,
        data: &[u8],
        handle: &[u8],
    ) -> Result<IndexedCredential, CredentialError> {
        let credentials = self.credentials_of(subject)?;
        if self.call.purpose != Purpose::Enrol {
            return Err(CredentialError::NotEnrolling);
        }
        let is_sized = label.len() <= credentials::MAX_LABEL && data.len() <= credentials::MAX_DATA;
        if !is_sized || handle.is_empty() || handle.len() > MAX_HANDLE {
            return Err(CredentialError::TooLarge);
        }
        let id = self.identifier_of(handle);
        if self.installation.store.credential(&self.call.authenticator, &id).await?.is_some() {
            return Ok(IndexedCredential::Taken);
        }
        // Of two at once the store takes one: the identifier is unique.
        match credentials.add_as(id, label, data).await? {
            Some(id) => {
                self.audit_credential("credential.added", subject, &id);
                Ok(IndexedCredential::Added(id))
            }
            None => Ok(IndexedCredential::Full),
        }
    }

    /// This authenticator's record with the handle, while the call may be about its person.
    pub async fn find_credential(&self, handle: &[u8]) -> Result<Option<Found>, CredentialError> {
        if handle.is_empty() || handle.len() > MAX_HANDLE {
            return Ok(None);
        }
        let installation = &self.installation;
        let authenticator = &self.call.authenticator;
        let stored = installation.store.credential(authenticator, &self.identifier_of(handle)).await?;
        let known = self.call.subject.as_ref();
        let Some(stored) = stored.filter(|stored| known.is_none_or(|known| *known == stored.subject)) else {
            return Ok(None);
        };
        let Some(account) = installation.directory.account(&stored.subject).await? else { return Ok(None) };
        let subject = stored.subject.clone();
        let credential = Credentials { installation, authenticator, subject: &subject }.open(stored)?;
        if let Ok(mut proven) = self.proven.lock() {
            proven.push(subject.clone());
        }
        Ok(Some(Found { subject, username: account.username, credential }))
    }

    /// Whether a signature is good, by native cryptography.
    pub fn verify(&self, algorithm: PeerAlgorithm, spki: &[u8], message: &[u8], signature: &[u8]) -> bool {
        self.installation.keys.verify(algorithm, spki, message, signature)
    }

    /// Names have no NUL.
    fn identifier_of(&self, handle: &[u8]) -> String {
        let message = [self.call.authenticator.as_bytes(), &[0], handle].concat();
        URL_SAFE_NO_PAD.encode(self.installation.keys.mac("credential-index", &message))
    }
}

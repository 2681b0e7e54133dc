//! Verifying an authentication assertion: section 7.2.

use alloc::vec::Vec;

use postern_refusal::Refusal;
use postern_signature::Verifier;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use crate::answer;
use crate::authenticator_data::{AuthenticatorData, contains};
use crate::bytes::Base64Url;
use crate::client_data::{Ceremony, hash_of};
use crate::ecdsa;
use crate::expected::Expected;
use crate::record::Record;

/// What the browser answered to `navigator.credentials.get`.
pub struct Assertion {
    id: Vec<u8>,
    client_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
    user_handle: Option<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Response {
    #[serde(rename = "clientDataJSON")]
    client_data: Base64Url,
    authenticator_data: Base64Url,
    signature: Base64Url,
    user_handle: Option<Base64Url>,
}

/// Somebody has used a credential of theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// Whether the authenticator knew its user: by a PIN, or by what they are.
    pub is_user_verified: bool,
    /// The record as it is to be kept from now on, before anybody is let in.
    pub record: Record,
}

impl Assertion {
    /// Reads the page's JSON.
    ///
    /// # Errors
    /// `webauthn.answer.malformed`.
    pub fn read(json: &str) -> Result<Self, Refusal> {
        let answer = answer::read::<Response>(json)?;
        Ok(Self {
            id: answer.id.0,
            client_data: answer.response.client_data.0,
            authenticator_data: answer.response.authenticator_data.0,
            signature: answer.response.signature.0,
            user_handle: answer.response.user_handle.map(|handle| handle.0),
        })
    }

    /// The id by which the credential is found: steps 5 to 7.
    pub fn credential_id(&self) -> &[u8] {
        &self.id
    }

    /// Steps 5 to 21 of section 7.2, with the record of [`Self::credential_id`]. `allowed` are the ids that
    /// were asked for; empty: any of this relying party's, and then the answer has to name its user.
    ///
    /// # Errors
    /// The first step that fails: `webauthn.*`.
    pub fn verify(
        &self,
        expected: &Expected<'_>,
        allowed: &[Vec<u8>],
        record: &Record,
        verifier: &dyn Verifier,
    ) -> Result<Authenticated, Refusal> {
        let refused = Refusal::misbehaved;
        // Step 5.
        if !allowed.is_empty() && !contains(allowed, &self.id) {
            return Err(refused("webauthn.credential.not-allowed").at("id"));
        }
        // Steps 6 and 7.
        if record.id != self.id {
            return Err(refused("webauthn.credential-id.mismatch").at("id"));
        }
        match &self.user_handle {
            Some(handle) if bool::from(handle.ct_eq(&record.user_handle)) => {}
            Some(_) => return Err(refused("webauthn.user-handle.mismatch").at("userHandle")),
            None if allowed.is_empty() => {
                return Err(refused("webauthn.user-handle.absent").at("userHandle"));
            }
            None => {}
        }
        // Steps 8 to 14, and 19.
        let hash = hash_of(&self.client_data, Ceremony::Get, expected)?;
        // Steps 15 to 17. Step 18: no extension is asked for.
        let data = AuthenticatorData::read(&self.authenticator_data)?;
        if data.attested.is_some() {
            return Err(refused("webauthn.authenticator-data.unexpected").at("attestedCredentialData"));
        }
        data.check(expected)?;
        if data.is_backup_eligible() != record.is_backup_eligible {
            return Err(refused("webauthn.backup.changed")
                .at("authenticatorData")
                .expected("the flag BE as it was"));
        }
        // Step 20.
        if !expected.algorithms.contains(&record.algorithm) {
            return Err(refused("webauthn.algorithm.not-allowed")
                .at("alg")
                .found(record.algorithm.jwa_name()));
        }
        let message = [self.authenticator_data.as_slice(), &hash].concat();
        if !ecdsa::verifies(verifier, record.algorithm, &record.key, &message, &self.signature) {
            return Err(refused("webauthn.signature.mismatch").at("signature"));
        }
        // Step 21: a counter that does not go up is that of a copy. Zero: it does not count.
        if (data.counter != 0 || record.counter != 0) && data.counter <= record.counter {
            return Err(refused("webauthn.counter.regression").at("signCount"));
        }
        let record = Record { counter: data.counter, ..record.clone() };
        Ok(Authenticated { is_user_verified: data.is_user_verified(), record })
    }
}

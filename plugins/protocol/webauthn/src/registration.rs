//! Registering a new credential: section 7.1.

use alloc::string::String;
use alloc::vec::Vec;

use postern_refusal::Refusal;
use postern_signature::{Algorithm, PublicKey, Verifier};
use serde::Deserialize;

use crate::answer;
use crate::attestation::{self, AttestationObject, Attested, Trust};
use crate::authenticator_data::AuthenticatorData;
use crate::bytes::Base64Url;
use crate::client_data::{Ceremony, hash_of};
use crate::cose_key;
use crate::expected::Expected;

/// Ways to reach an authenticator that are kept (section 5.8.4); others are dropped, as section 5.2.1 says.
const TRANSPORTS: [&str; 6] = ["usb", "nfc", "ble", "smart-card", "hybrid", "internal"];

/// What the browser answered to `navigator.credentials.create`.
pub struct Registration {
    id: Vec<u8>,
    client_data: Vec<u8>,
    attestation_object: Vec<u8>,
    transports: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Response {
    #[serde(rename = "clientDataJSON")]
    client_data: Base64Url,
    attestation_object: Base64Url,
    #[serde(default)]
    transports: Vec<String>,
}

/// A credential that may be kept, once nobody else has its id (step 22).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The credential's id.
    pub id: Vec<u8>,
    /// What its key is for.
    pub algorithm: Algorithm,
    /// Its key.
    pub key: PublicKey,
    /// How often it has signed, if it counts.
    pub counter: u32,
    /// Whether the user was verified.
    pub is_user_verified: bool,
    /// Whether the key may leave the authenticator: a synchronised passkey.
    pub is_backup_eligible: bool,
    /// The kind of authenticator, by its own word unless it is attested.
    pub aaguid: [u8; 16],
    /// What its maker says about it.
    pub attested: Attested,
    /// Ways to reach it, for later ceremonies.
    pub transports: Vec<String>,
}

impl Registration {
    /// Reads the page's JSON.
    ///
    /// # Errors
    /// `webauthn.answer.malformed`.
    pub fn read(json: &str) -> Result<Self, Refusal> {
        let answer = answer::read::<Response>(json)?;
        let mut transports = answer.response.transports;
        transports.retain(|transport| TRANSPORTS.contains(&transport.as_str()));
        transports.sort();
        transports.dedup();
        Ok(Self {
            id: answer.id.0,
            client_data: answer.response.client_data.0,
            attestation_object: answer.response.attestation_object.0,
            transports,
        })
    }

    /// Steps 5 to 21 of section 7.1.
    ///
    /// # Errors
    /// The first step that fails: `webauthn.*`.
    pub fn verify(
        self,
        expected: &Expected<'_>,
        trust: &Trust<'_>,
        verifier: &dyn Verifier,
    ) -> Result<Registered, Refusal> {
        // Steps 5 to 11.
        let hash = hash_of(&self.client_data, Ceremony::Create, expected)?;
        // Step 12.
        let object = AttestationObject::read(&self.attestation_object)?;
        let data = AuthenticatorData::read(object.authenticator_data)?;
        // Steps 13 to 15.
        data.check(expected)?;
        let credential = data.attested.clone().ok_or_else(|| {
            Refusal::misbehaved("webauthn.credential.absent").at("authenticatorData").expected("the flag AT")
        })?;
        if credential.id != self.id {
            return Err(Refusal::misbehaved("webauthn.credential-id.mismatch").at("id"));
        }
        // Step 16. Step 17: no extension is asked for, and none changes the verdict.
        let (algorithm, key) = cose_key::read(credential.key.clone(), expected.algorithms)?;
        // Steps 18 to 21.
        let subject = attestation::Subject {
            aaguid: credential.aaguid,
            algorithm,
            key: &key,
            algorithms: expected.algorithms,
            client_data_hash: &hash,
        };
        let attested = object.verify(&subject, trust, verifier)?;
        Ok(Registered {
            id: self.id,
            algorithm,
            counter: data.counter,
            is_user_verified: data.is_user_verified(),
            is_backup_eligible: data.is_backup_eligible(),
            aaguid: *credential.aaguid,
            attested,
            transports: self.transports,
            key,
        })
    }
}

//! What a page may ask of a browser: sections 5.4 and 5.5, the members that are used and no others.

use alloc::string::String;
use alloc::vec::Vec;

use postern_refusal::Refusal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::bytes::{Base64Url, object};
use crate::{CHALLENGE, COSE_ALGORITHMS, MAX_CREDENTIAL_ID};

/// Most bytes of the JSON.
const SIZE: usize = 32 << 10;
/// Most credentials in a list: what is kept of a person.
const CREDENTIALS: usize = 16;
/// Milliseconds: section 15.1 recommends 5 to 10 minutes, and at most 10.
const TIMEOUT: core::ops::RangeInclusive<u32> = 10_000..=600_000;
/// Most bytes of a user handle: section 5.4.3.
const USER_HANDLE: usize = 64;
/// Most bytes of a name: section 6.4.1 has authenticators keep 64 at least.
const NAME: usize = 256;

/// For `navigator.credentials.create`: section 5.4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CreationOptions {
    /// Who asks.
    pub rp: RelyingParty,
    /// Who is to be known by it.
    pub user: User,
    /// [`CHALLENGE`] random bytes.
    pub challenge: Base64Url,
    /// What keys may be of, the best first.
    pub pub_key_cred_params: Vec<Parameters>,
    /// Milliseconds.
    pub timeout: u32,
    /// Those that the person has: no authenticator gets a second one.
    pub exclude_credentials: Vec<DescribedCredential>,
    /// What kind of authenticator.
    pub authenticator_selection: Selection,
    /// Whether its maker is asked.
    pub attestation: Attestation,
}

/// For `navigator.credentials.get`: section 5.5.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RequestOptions {
    /// [`CHALLENGE`] random bytes.
    pub challenge: Base64Url,
    /// Milliseconds.
    pub timeout: u32,
    /// The relying party's id: the host.
    pub rp_id: String,
    /// The person's; empty: whichever the person chooses.
    pub allow_credentials: Vec<DescribedCredential>,
    /// Whether the user is verified.
    pub user_verification: Preference,
}

/// Section 5.4.2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelyingParty {
    /// The host.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// Section 5.4.3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct User {
    /// Random: it says nothing about the person.
    pub id: Base64Url,
    /// For the person, in a list of accounts.
    pub name: String,
    /// The same.
    pub display_name: String,
}

/// Section 5.3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// `public-key`.
    #[serde(rename = "type")]
    pub kind: CredentialType,
    /// COSE's number.
    pub alg: i64,
}

/// Section 5.8.2: there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CredentialType {
    /// A key pair.
    #[serde(rename = "public-key")]
    PublicKey,
}

/// Section 5.8.3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DescribedCredential {
    /// `public-key`.
    #[serde(rename = "type")]
    pub kind: CredentialType,
    /// Its id.
    pub id: Base64Url,
    /// Ways to reach it.
    pub transports: Vec<Transport>,
}

/// Section 5.8.4, and `hybrid` of Level 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Transport {
    Usb,
    Nfc,
    Ble,
    SmartCard,
    Hybrid,
    Internal,
}

/// Section 5.4.4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Selection {
    /// Whether the authenticator keeps it, so that it can be found without a name.
    pub resident_key: Preference,
    /// The same for browsers of Level 1: whether it is required.
    pub require_resident_key: bool,
    /// Whether the user is verified.
    pub user_verification: Preference,
}

/// `required` or `preferred`: nothing else is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Preference {
    Required,
    Preferred,
}

/// Section 5.4.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Attestation {
    None,
    Direct,
}

impl CreationOptions {
    /// Reads what a component asks of a browser, for the relying party `rp_id`.
    ///
    /// # Errors
    /// `webauthn.options.malformed`, `webauthn.options.rp-id`, `webauthn.options.challenge`,
    /// `webauthn.options.bounds`.
    pub fn read(json: &str, rp_id: &str) -> Result<Self, Refusal> {
        let options: Self = read(json)?;
        check(&options.rp.id, rp_id, &options.challenge, options.timeout)?;
        let names = [&options.rp.name, &options.user.name, &options.user.display_name];
        let is_name =
            |name: &&String| !name.is_empty() && name.len() <= NAME && !name.chars().any(char::is_control);
        let parameters = &options.pub_key_cred_params;
        let is_offered = |one: &Parameters| COSE_ALGORITHMS.iter().any(|(number, _)| *number == one.alg);
        if !names.iter().all(is_name)
            || !(1..=USER_HANDLE).contains(&options.user.id.0.len())
            || parameters.is_empty()
            || parameters.len() > COSE_ALGORITHMS.len()
            || !parameters.iter().all(is_offered)
        {
            return Err(bounds("rp, user, pubKeyCredParams"));
        }
        credentials(&options.exclude_credentials)?;
        Ok(options)
    }

    /// As JSON for the page.
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl RequestOptions {
    /// Reads what a component asks of a browser, for the relying party `rp_id`.
    ///
    /// # Errors
    /// As [`CreationOptions::read`].
    pub fn read(json: &str, rp_id: &str) -> Result<Self, Refusal> {
        let options: Self = read(json)?;
        check(&options.rp_id, rp_id, &options.challenge, options.timeout)?;
        credentials(&options.allow_credentials)?;
        Ok(options)
    }

    /// As JSON for the page.
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T, Refusal> {
    let refused = || Refusal::internal("webauthn.options.malformed").at("options");
    if json.len() > SIZE {
        return Err(refused().expected("32 KiB at most"));
    }
    object(json.as_bytes()).map_err(|error| refused().found(&alloc::format!("{error}")))
}

fn check(found: &str, rp_id: &str, challenge: &Base64Url, timeout: u32) -> Result<(), Refusal> {
    if found != rp_id {
        return Err(Refusal::internal("webauthn.options.rp-id").at("rp.id").expected(rp_id).found(found));
    }
    if challenge.0.len() != CHALLENGE {
        return Err(Refusal::internal("webauthn.options.challenge").at("challenge").expected("32 bytes"));
    }
    if !TIMEOUT.contains(&timeout) {
        return Err(bounds("timeout"));
    }
    Ok(())
}

fn credentials(list: &[DescribedCredential]) -> Result<(), Refusal> {
    let fits = |one: &DescribedCredential| {
        (1..=MAX_CREDENTIAL_ID).contains(&one.id.0.len()) && one.transports.len() <= 6
    };
    if list.len() > CREDENTIALS || !list.iter().all(fits) {
        return Err(bounds("credentials"));
    }
    Ok(())
}

fn bounds(element: &str) -> Refusal {
    Refusal::internal("webauthn.options.bounds").at(element)
}

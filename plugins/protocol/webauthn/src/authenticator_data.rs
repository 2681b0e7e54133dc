//! Authenticator data: what the authenticator has seen and done. Section 6.1.

use alloc::vec::Vec;

use postern_refusal::Refusal;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::MAX_CREDENTIAL_ID;
use crate::cbor::{self, Item};
use crate::expected::{Expected, UserVerification};

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
/// Level 3 names the two of backup; in Level 2 they are reserved.
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;
const RESERVED: u8 = 1 << 1 | 1 << 5;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuthenticatorData<'d> {
    rp_id_hash: &'d [u8; 32],
    flags: u8,
    pub(crate) counter: u32,
    /// Of a registration.
    pub(crate) attested: Option<AttestedCredential<'d>>,
}

/// Section 6.5.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AttestedCredential<'d> {
    pub(crate) aaguid: &'d [u8; 16],
    pub(crate) id: &'d [u8],
    pub(crate) key: Item<'d>,
}

impl<'d> AuthenticatorData<'d> {
    /// # Errors
    /// `webauthn.authenticator-data.malformed`, `webauthn.credential-id.malformed`, and `webauthn.cbor.*`.
    pub(crate) fn read(bytes: &'d [u8]) -> Result<Self, Refusal> {
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>().ok_or_else(malformed)?;
        let ([flags], rest) = rest.split_first_chunk::<1>().ok_or_else(malformed)?;
        let (counter, rest) = rest.split_first_chunk::<4>().ok_or_else(malformed)?;
        if flags & RESERVED != 0 {
            return Err(malformed());
        }
        let (attested, rest) = if flags & ATTESTED == 0 {
            (None, rest)
        } else {
            let (credential, rest) = AttestedCredential::read(rest)?;
            (Some(credential), rest)
        };
        let rest = if flags & EXTENSIONS == 0 { rest } else { extensions(rest)? };
        if !rest.is_empty() {
            return Err(malformed());
        }
        let counter = u32::from_be_bytes(*counter);
        Ok(Self { rp_id_hash, flags: *flags, counter, attested })
    }

    /// Sections 7.1 and 7.2: the relying party, the user's presence and verification, and that the flags
    /// of backup make sense.
    ///
    /// # Errors
    /// `webauthn.rp-id.mismatch`, `webauthn.user.absent`, `webauthn.user.unverified`,
    /// `webauthn.backup.inconsistent`.
    pub(crate) fn check(&self, expected: &Expected<'_>) -> Result<(), Refusal> {
        let refused = |code| Refusal::misbehaved(code).at("authenticatorData");
        let hash: [u8; 32] = Sha256::digest(expected.rp_id.as_bytes()).into();
        if !bool::from(hash.ct_eq(self.rp_id_hash)) {
            return Err(refused("webauthn.rp-id.mismatch").expected(expected.rp_id));
        }
        if self.flags & USER_PRESENT == 0 {
            return Err(refused("webauthn.user.absent").expected("the flag UP"));
        }
        if expected.user_verification == UserVerification::Required && !self.is_user_verified() {
            return Err(refused("webauthn.user.unverified").expected("the flag UV"));
        }
        if self.is_backed_up() && !self.is_backup_eligible() {
            return Err(refused("webauthn.backup.inconsistent").expected("no flag BS without BE"));
        }
        Ok(())
    }

    pub(crate) fn is_user_verified(&self) -> bool {
        self.flags & USER_VERIFIED != 0
    }

    pub(crate) fn is_backup_eligible(&self) -> bool {
        self.flags & BACKUP_ELIGIBLE != 0
    }

    pub(crate) fn is_backed_up(&self) -> bool {
        self.flags & BACKED_UP != 0
    }
}

impl<'d> AttestedCredential<'d> {
    fn read(bytes: &'d [u8]) -> Result<(Self, &'d [u8]), Refusal> {
        let (aaguid, rest) = bytes.split_first_chunk::<16>().ok_or_else(malformed)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(malformed)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 || length > MAX_CREDENTIAL_ID {
            return Err(Refusal::misbehaved("webauthn.credential-id.malformed")
                .at("credentialId")
                .expected("1 to 1,023 bytes"));
        }
        let (id, rest) = rest.split_at_checked(length).ok_or_else(malformed)?;
        let (key, rest) = cbor::item(rest)?;
        Ok((Self { aaguid, id, key }, rest))
    }
}

/// Nothing is asked of extensions, and what comes unasked is read and left alone (section 9).
fn extensions(bytes: &[u8]) -> Result<&[u8], Refusal> {
    match cbor::item(bytes)? {
        (Item::Map(members), rest) if members.iter().all(|(key, _)| matches!(key, Item::Text(_))) => Ok(rest),
        _ => Err(malformed()),
    }
}

fn malformed() -> Refusal {
    Refusal::misbehaved("webauthn.authenticator-data.malformed").at("authenticatorData")
}

/// The identifiers of a list, for an allowlist.
pub(crate) fn contains(ids: &[Vec<u8>], id: &[u8]) -> bool {
    ids.iter().any(|known| known == id)
}

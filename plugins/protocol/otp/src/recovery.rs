//! Recovery codes: a sheet of codes that a person keeps, each of them good once ("look-up secrets",
//! NIST SP 800-63B section 5.1.2). 80 bits each, so that a keyed hash without stretching is enough to
//! keep (section 5.1.2.2 asks for a salted one below 112 bits).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::record::RecordError;

/// Later versions go on reading this one.
const VERSION: u8 = 1;
/// Bytes of a code.
const LENGTH: usize = 10;
/// Bytes of the key that a sheet's codes are hashed with.
const KEY: usize = 16;
/// Bytes of a hash.
const TAG: usize = 32;
/// Characters of a code in one group.
const GROUP: usize = 4;
/// Characters of a code, without what stands between the groups.
const DIGITS: usize = 16;

/// A recovery code.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(Zeroizing<[u8; LENGTH]>);

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

impl RecoveryCode {
    /// As a person typed it: 16 characters of base32 (RFC 4648 section 6: no 0, 1, 8 or 9), in upper or
    /// lower case, in one group or in four with hyphens or spaces between them. `None`: it is no code.
    pub fn read(typed: &str) -> Option<Self> {
        let groups: Vec<&str> =
            if typed.contains('-') { typed.split('-') } else { typed.split(' ') }.collect();
        let lengths: &[usize] = if groups.len() == 1 { &[DIGITS] } else { &[GROUP; 4] };
        let fits = groups.len() == lengths.len()
            && groups.iter().zip(lengths).all(|(group, length)| group.len() == *length);
        if !fits {
            return None;
        }
        let digits = Zeroizing::new(groups.concat().to_ascii_uppercase());
        let bytes = Zeroizing::new(BASE32_NOPAD.decode(digits.as_bytes()).ok()?);
        let code = bytes.first_chunk::<LENGTH>().filter(|_| bytes.len() == LENGTH)?;
        Some(Self(Zeroizing::new(*code)))
    }

    /// To read and to type: `ABCD-EFGH-IJKL-MNOP`.
    pub fn to_type(&self) -> String {
        let digits = Zeroizing::new(BASE32_NOPAD.encode(self.0.as_slice()));
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && index.is_multiple_of(GROUP) {
                text.push('-');
            }
            text.push(digit);
        }
        text
    }
}

/// What is kept of a sheet of codes: a key of its own, and the hashes of the codes that are left.
#[derive(Clone, PartialEq, Eq)]
pub struct Sheet {
    key: Zeroizing<[u8; KEY]>,
    tags: Vec<[u8; TAG]>,
}

impl fmt::Debug for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sheet({} left)", self.tags.len())
    }
}

impl Sheet {
    /// Codes of a new sheet.
    pub const CODES: usize = 10;
    /// Random bytes that a new sheet takes.
    pub const RANDOM: usize = 116;

    /// A new sheet and its codes. `None`: not [`Sheet::RANDOM`] bytes.
    pub fn new(random: &[u8]) -> Option<(Self, Vec<RecoveryCode>)> {
        let (key, rest) = random.split_first_chunk::<KEY>().filter(|_| random.len() == Self::RANDOM)?;
        let (codes, rest) = rest.as_chunks::<LENGTH>();
        if !rest.is_empty() || codes.len() != Self::CODES {
            return None;
        }
        let codes: Vec<_> = codes.iter().map(|code| RecoveryCode(Zeroizing::new(*code))).collect();
        let mut sheet = Self { key: Zeroizing::new(*key), tags: Vec::new() };
        for code in &codes {
            sheet.tags.push(sheet.tag(code)?);
        }
        Some((sheet, codes))
    }

    /// How many codes are left.
    pub fn left(&self) -> usize {
        self.tags.len()
    }

    /// The sheet without that code; `None`: it is none of those that are left. The same work is done
    /// whichever it is, and for a wrong one.
    pub fn without(&self, code: &RecoveryCode) -> Option<Self> {
        let tag = self.tag(code)?;
        let mut tags = Vec::with_capacity(self.tags.len());
        for known in &self.tags {
            if !bool::from(known.ct_eq(&tag)) {
                tags.push(*known);
            }
        }
        let is_one_less = self.tags.len().checked_sub(tags.len()) == Some(1);
        is_one_less.then(|| Self { key: self.key.clone(), tags })
    }

    /// As it is kept: version, key, hashes.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.push(VERSION);
        bytes.extend_from_slice(self.key.as_slice());
        self.tags.iter().for_each(|tag| bytes.extend_from_slice(tag));
        bytes
    }

    /// What [`Sheet::write`] wrote.
    ///
    /// # Errors
    /// [`RecordError`] when it is anything else.
    pub fn read(bytes: &[u8]) -> Result<Self, RecordError> {
        let (version, rest) = bytes.split_first().ok_or(RecordError)?;
        let (key, rest) = rest.split_first_chunk::<KEY>().ok_or(RecordError)?;
        let (tags, rest) = rest.as_chunks::<TAG>();
        if *version != VERSION || !rest.is_empty() || tags.len() > Self::CODES {
            return Err(RecordError);
        }
        Ok(Self { key: Zeroizing::new(*key), tags: tags.to_vec() })
    }

    fn tag(&self, code: &RecoveryCode) -> Option<[u8; TAG]> {
        let mut hmac = Hmac::<Sha256>::new_from_slice(self.key.as_slice()).ok()?;
        hmac.update(code.0.as_slice());
        Some(hmac.finalize().into_bytes().into())
    }
}

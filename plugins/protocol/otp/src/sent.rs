//! Codes that are sent to a person, such as by e-mail: eight digits, good for ten minutes, for one sign-in and
//! for five tries. What is kept of one is its keyed hash, when it ends, and how many tries are left.
//!
//! The key is kept beside the hash: it makes the hash of a code another one each time, and hides no code from
//! whoever reads both while it is good.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::record::RecordError;

/// Later versions go on reading this one.
const VERSION: u8 = 1;
/// Bytes of the key that a code is hashed with.
const KEY: usize = 16;
/// Bytes of the hash.
const TAG: usize = 32;
/// Bytes of the record: version, tries, end, key, hash.
const RECORD: usize = 58;
/// Digits of a code.
const DIGITS: usize = 8;
/// How many codes there are.
const CODES: u64 = 100_000_000;
/// The greatest multiple of [`CODES`] in 64 bits: a number from there on is not taken, for then some codes
/// would be likelier than others.
const FAIR: u64 = u64::MAX / CODES * CODES;

/// What is kept of a code that was sent.
#[derive(Clone, PartialEq, Eq)]
pub struct SentCode {
    tries: u8,
    ends_at: u64,
    key: [u8; KEY],
    tag: [u8; TAG],
}

impl fmt::Debug for SentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SentCode({} tries left, until {})", self.tries, self.ends_at)
    }
}

/// What a try came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It is the code. Whoever keeps the record sees to it that this happens once.
    Right,
    /// It is not. With what is to be kept from here on.
    Wrong(SentCode),
    /// It is not, and that was the last try.
    Spent,
    /// Too late: nobody has looked at it.
    Ended,
}

impl SentCode {
    /// Seconds for which a code is good.
    pub const LIFETIME: u64 = 600;
    /// Tries that a code has.
    pub const TRIES: u8 = 5;
    /// Random bytes that a new one takes.
    pub const RANDOM: usize = 40;

    /// A new code at `now`, in seconds since 1970, and its digits to be sent. `None`: not [`SentCode::RANDOM`]
    /// bytes, or (once in 10^11) none that make a code that is as likely as each other.
    pub fn new(random: &[u8], now: u64) -> Option<(Self, Zeroizing<String>)> {
        let (key, rest) = random.split_first_chunk::<KEY>().filter(|_| random.len() == Self::RANDOM)?;
        let (numbers, _) = rest.as_chunks::<8>();
        let number = numbers.iter().map(|bytes| u64::from_be_bytes(*bytes)).find(|number| *number < FAIR)?;
        let number = number.checked_rem(CODES)?;
        let digits = Zeroizing::new(format!("{number:08}"));
        let ends_at = now.checked_add(Self::LIFETIME)?;
        let tag = tag(key, &digits)?;
        Some((Self { tries: Self::TRIES, ends_at, key: *key, tag }, digits))
    }

    /// Judges what a person typed: eight digits, with spaces between or around them at most. Anything else is
    /// a wrong code.
    pub fn judge(mut self, typed: &str, now: u64) -> Judged {
        if now >= self.ends_at {
            return Judged::Ended;
        }
        let Some(left) = self.tries.checked_sub(1) else { return Judged::Spent };
        let is_right = digits(typed)
            .and_then(|digits| tag(&self.key, &digits))
            .is_some_and(|tag| bool::from(tag.ct_eq(&self.tag)));
        if is_right {
            return Judged::Right;
        }
        if left == 0 {
            return Judged::Spent;
        }
        self.tries = left;
        Judged::Wrong(self)
    }

    /// As it is kept: version, tries left, end, key, hash.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(RECORD);
        bytes.push(VERSION);
        bytes.push(self.tries);
        bytes.extend_from_slice(&self.ends_at.to_be_bytes());
        bytes.extend_from_slice(&self.key);
        bytes.extend_from_slice(&self.tag);
        bytes
    }

    /// What [`SentCode::write`] wrote.
    ///
    /// # Errors
    /// [`RecordError`] when it is anything else.
    pub fn read(bytes: &[u8]) -> Result<Self, RecordError> {
        let ([version, tries], rest) = bytes.split_first_chunk().ok_or(RecordError)?;
        let (ends_at, rest) = rest.split_first_chunk().ok_or(RecordError)?;
        let (key, rest) = rest.split_first_chunk().ok_or(RecordError)?;
        let (tag, rest) = rest.split_first_chunk().ok_or(RecordError)?;
        if *version != VERSION || !(1..=Self::TRIES).contains(tries) || !rest.is_empty() {
            return Err(RecordError);
        }
        Ok(Self { tries: *tries, ends_at: u64::from_be_bytes(*ends_at), key: *key, tag: *tag })
    }
}

/// The digits of a code; `None`: it is no code.
fn digits(typed: &str) -> Option<Zeroizing<String>> {
    // More than anybody types.
    if typed.len() > 64 {
        return None;
    }
    let digits: Zeroizing<String> =
        Zeroizing::new(typed.chars().filter(|character| *character != ' ').collect());
    (digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

fn tag(key: &[u8; KEY], digits: &str) -> Option<[u8; TAG]> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    hmac.update(digits.as_bytes());
    Some(hmac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    /// The key 7, 7, … and the code of these numbers.
    fn random(numbers: [u64; 3]) -> Vec<u8> {
        let mut bytes = vec![7; KEY];
        numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_be_bytes()));
        bytes
    }

    #[test]
    fn a_code_is_good_until_it_ends() {
        let (sent, code) = SentCode::new(&random([312, 0, 0]), NOW).unwrap();
        assert_eq!(code.as_str(), "00000312");
        for typed in ["00000312", "0000 0312", " 00000312 "] {
            assert_eq!(sent.clone().judge(typed, NOW + 599), Judged::Right, "{typed}");
        }
        assert_eq!(sent.clone().judge("00000312", NOW + 600), Judged::Ended);
        assert!(!format!("{sent:?}").contains("312"));
    }

    #[test]
    fn it_has_five_tries_and_what_is_no_code_is_one() {
        let (mut sent, code) = SentCode::new(&random([99_999_999, 0, 0]), NOW).unwrap();
        for typed in ["99999998", "", "9999999", "999999999"] {
            let Judged::Wrong(left) = sent.judge(typed, NOW) else { panic!("{typed}") };
            sent = SentCode::read(&left.write()).unwrap();
        }
        assert_eq!(sent.clone().judge(&code, NOW), Judged::Right, "the fifth");
        for typed in ["٩٩٩٩٩٩٩٩", "9999\t9999", "+9999999", "9999-9999", &"9".repeat(65), &" ".repeat(4_000)]
        {
            assert_eq!(sent.clone().judge(typed, NOW), Judged::Spent, "{typed}");
        }
    }

    #[test]
    fn codes_are_as_likely_as_each_other() {
        let (_, code) = SentCode::new(&random([u64::MAX, FAIR, 123_456_789]), NOW).unwrap();
        assert_eq!(code.as_str(), "23456789");
        assert!(SentCode::new(&random([u64::MAX, FAIR, FAIR]), NOW).is_none());
        assert!(SentCode::new(&[0; 39], NOW).is_none() && SentCode::new(&[0; 41], NOW).is_none());
        assert!(SentCode::new(&[0; 40], u64::MAX).is_none());
    }

    #[test]
    fn only_its_own_records_are_read() {
        let (sent, _) = SentCode::new(&random([1, 2, 3]), NOW).unwrap();
        let good = sent.write();
        assert_eq!(good.len(), RECORD);
        assert_eq!(SentCode::read(&good), Ok(sent));
        for length in 0..RECORD {
            assert!(SentCode::read(&good[..length]).is_err(), "{length}");
        }
        for (at, byte) in [(0, 0), (0, 2), (1, 0), (1, 6), (1, 255)] {
            let mut bad = good.clone();
            bad[at] = byte;
            assert!(SentCode::read(&bad).is_err(), "{at} {byte}");
        }
        assert!(SentCode::read(&[good.as_slice(), &[0]].concat()).is_err());
    }
}

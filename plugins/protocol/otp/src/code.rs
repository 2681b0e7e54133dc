//! Codes: RFC 4226 section 5.3, RFC 6238 section 4.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

use crate::key::Key;

/// Seconds of a step: RFC 6238 section 5.2.
const STEP: u64 = 30;
/// Steps that a clock may be early or late: RFC 6238 section 5.2 allows one for the way.
const DRIFT: u64 = 1;
/// 10 to the digits of a code.
const MODULUS: u32 = 1_000_000;

/// A code as a person typed it: six digits, in two groups of three or in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(u32);

impl Code {
    /// `None`: it is no code.
    pub fn read(typed: &str) -> Option<Self> {
        let digits = |text: &str, length: usize| {
            let good = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
            good.then(|| text.parse::<u32>().ok()).flatten()
        };
        let value = match typed.split_once(' ') {
            None => digits(typed, 6),
            Some((high, low)) => digits(high, 3)?.checked_mul(1_000)?.checked_add(digits(low, 3)?),
        };
        value.map(Self)
    }

    /// The code of a step (RFC 4226 section 5.3); `None`: HMAC refuses, which it does for no key.
    pub fn of_step(key: &Key, step: u64) -> Option<Self> {
        let mut hmac = Hmac::<Sha1>::new_from_slice(key.bytes()).ok()?;
        hmac.update(&step.to_be_bytes());
        let digest = hmac.finalize().into_bytes();
        let offset = usize::from(*digest.last()? & 0x0f);
        let chosen = digest.get(offset..)?.first_chunk::<4>()?;
        let number = u32::from_be_bytes(*chosen) & 0x7fff_ffff;
        number.checked_rem(MODULUS).map(Self)
    }
}

/// The step that the code is of, around `now` (seconds since 1970-01-01T00:00:00Z), when it is later than
/// `last`: a code is good once, and none before it is good any more (RFC 6238 section 5.2). The same work
/// is done whichever step it is, and for a wrong code.
pub fn matching_step(key: &Key, code: Code, now: u64, last: Option<u64>) -> Option<u64> {
    let current = now.checked_div(STEP)?;
    let (mut found, mut step) = (subtle::Choice::from(0), 0_u64);
    for candidate in current.saturating_sub(DRIFT)..=current.saturating_add(DRIFT) {
        let matches = Code::of_step(key, candidate)?.0.ct_eq(&code.0);
        step.conditional_assign(&candidate, matches);
        found |= matches;
    }
    let is_new = last.is_none_or(|last| step > last);
    (bool::from(found) && is_new).then_some(step)
}

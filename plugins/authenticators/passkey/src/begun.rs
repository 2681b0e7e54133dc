//! What is kept of a ceremony until its answer comes: the challenge, when it was made, and of a registration
//! the user handle.

use postern_authenticator::system;
use postern_webauthn::CHALLENGE;

/// Milliseconds that a browser waits for the person.
pub(crate) const TIMEOUT: u32 = 300_000;
/// Seconds after which an answer is too late: the person may look at the page for a while first.
const GOOD_FOR: u64 = 900;
/// Bytes of a user handle: 64 at most (section 5.4.3).
const USER_HANDLE: u32 = 32;

pub(crate) struct Begun {
    pub(crate) challenge: [u8; CHALLENGE],
    at: u64,
    pub(crate) user_handle: Vec<u8>,
}

impl Begun {
    /// A new one; `None`: there is no randomness.
    pub(crate) fn now(user_handle: Vec<u8>) -> Option<Self> {
        let length = u32::try_from(CHALLENGE).ok()?;
        let challenge = system::random(length).try_into().ok()?;
        Some(Self { challenge, at: system::now(), user_handle })
    }

    /// The person's, or a new one that says nothing about them.
    pub(crate) fn user_handle(known: Option<Vec<u8>>) -> Vec<u8> {
        known.unwrap_or_else(|| system::random(USER_HANDLE))
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        [&self.challenge[..], &self.at.to_be_bytes(), &self.user_handle].concat()
    }

    pub(crate) fn read(state: &[u8]) -> Option<Self> {
        let (challenge, rest) = state.split_first_chunk::<CHALLENGE>()?;
        let (at, user_handle) = rest.split_first_chunk::<8>()?;
        let at = u64::from_be_bytes(*at);
        Some(Self { challenge: *challenge, at, user_handle: user_handle.to_vec() })
    }

    pub(crate) fn is_over(&self) -> bool {
        system::now() > self.at.saturating_add(GOOD_FOR)
    }
}

//! The state of a challenge: the code that was sent, and the masked address that it was sent to.

use postern_otp::SentCode;

/// Bytes of a [`SentCode`].
const CODE: usize = 58;

pub(crate) struct State {
    pub(crate) sent: SentCode,
    /// `a***@example.com`.
    pub(crate) address: String,
}

impl State {
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = self.sent.write();
        bytes.extend_from_slice(self.address.as_bytes());
        bytes
    }

    /// `None`: this component did not write it.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (sent, address) = bytes.split_at_checked(CODE)?;
        let address = core::str::from_utf8(address).ok()?.to_owned();
        Some(Self { sent: SentCode::read(sent).ok()?, address })
    }
}

//! One-time codes. By time: RFC 6238 with HMAC-SHA-1, six digits and steps of 30 seconds, which is what
//! every authenticator app has. Recovery codes, which a person keeps on paper. And codes that are sent to a person.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

extern crate alloc;

mod code;
mod key;
mod record;
mod recovery;
mod sent;

pub use code::{Code, matching_step};
pub use key::Key;
pub use record::{Record, RecordError};
pub use recovery::{RecoveryCode, Sheet};
pub use sent::{Judged, SentCode};

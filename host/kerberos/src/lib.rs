//! Kerberos as the service reads it (RFC 4120 section 3.2.3): an AP-REQ is decrypted and judged with the keys of a
//! keytab. AES alone (RFC 3962, RFC 8009): no RC4, no DES.
//!
//! No I/O and no clock: the time is an argument, and that an authenticator is new is the caller's to see to, by
//! [`Accepted::replay`]. Keys do not leave the crate.
#![forbid(unsafe_code)]

mod accept;
mod encryption;
mod keytab;
mod message;

pub use accept::{Accepted, Acceptor, SKEW};
pub use encryption::{Encryption, Key};
pub use keytab::{Keytab, KeytabError};
pub use message::Principal;

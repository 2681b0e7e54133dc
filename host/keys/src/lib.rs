//! Signing keys: made, sealed at rest, rotated, used.
//!
//! [`SealedKeyRing`] keeps the keys of all modules in the store, each private key encrypted under
//! the installation's [`MasterKey`]. Private keys leave this crate neither in the clear nor by
//! `Debug`.
#![forbid(unsafe_code)]

mod certificate;
mod decrypt;
mod key;
mod master;
mod ring;
mod seal;
mod thumbprint;
mod verifier;
mod verify;

pub use decrypt::DecryptionKey;
pub use master::{MasterKey, MasterKeyError};
pub use ring::{KeyRingError, SECRET_NAME, SealedKeyRing, check_sealed};
pub use verifier::NativeVerifier;
pub use verify::{NotVerified, verify_signature};

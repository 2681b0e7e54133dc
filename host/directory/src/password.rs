//! Password hashes: argon2id, computed by threads of their own.

mod cost;
mod hash;
mod pool;

pub use cost::{PasswordCost, PasswordSettings, SettingsError};
pub(crate) use hash::StoredHash;
pub(crate) use pool::PasswordPool;

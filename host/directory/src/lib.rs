//! User stores. So far the embedded one: people and their password hashes in Postern's own store.
#![forbid(unsafe_code)]

mod embedded;
mod password;
mod policy;

pub use embedded::{EmbeddedDirectory, NewUser, UserError};
pub use password::{PasswordCost, PasswordSettings, SettingsError};
pub use policy::{
    MAX_CLAIM_VALUE, MAX_PASSWORD, MAX_USERNAME, MIN_PASSWORD, PolicyError, check_claims, check_new_password,
    check_username,
};

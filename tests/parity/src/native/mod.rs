//! The rules' crates, called directly.
pub mod endpoint;
pub mod saml;
pub mod token;

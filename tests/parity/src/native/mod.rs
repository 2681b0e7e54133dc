//! The rules' crates, called directly.
pub mod endpoint;
pub mod oidc;
pub mod passkey;
pub mod provider;
pub mod saml;
pub mod token;

//! Logins of software that is not ours, through the real Envoy at the real host.
mod apache;
mod oidc;
mod saml;
mod single_sign_on;
mod world;

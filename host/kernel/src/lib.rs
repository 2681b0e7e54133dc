//! Sign-on flow, sessions, grants and relying parties.
//!
//! The kernel knows no protocol: modules declare the endpoints that they serve, ask for somebody
//! who is signed in ([`module::Demand`]) and go on from there. Store, directory, keys, clock,
//! randomness and the modules themselves are traits, handed in by the composition root.
#![forbid(unsafe_code)]

pub mod application_name;
pub mod audit;
pub mod authenticator;
pub mod capability;
pub mod clock;
pub mod credentials;
pub mod device;
pub mod directory;
pub mod flow;
pub mod kerberos;
pub mod keys;
pub mod mail;
pub mod module;
mod opaque;
pub mod outbound;
pub mod policy;
pub mod randomness;
pub mod remembered;
pub mod services;
pub mod store;
pub mod throttle;
pub mod unavailable;

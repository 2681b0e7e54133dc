//! Test vectors: requests that must be accepted or refused, and the code that builds them.
//!
//! The format is described in `README.md` beside this crate. Everything here is for tests: what
//! is wrong with a vector, a placeholder or a step panics with the vector's name.
pub mod catalogue;
mod jwt;
mod keys;
mod registry;
mod steps;
mod template;
#[cfg(test)]
mod tests;
mod vector;
mod webauthn;
mod xml_encryption;
mod xml_signature;
mod xml_signature_renewal;

pub use keys::{Key, Keys};
pub use registry::{Registration, decoder_members, endpoint_policy, registry};
pub use vector::{Face, Reply, Request, Vector, Verdict, load_all, load_rule};
pub use xml_signature::sign_enveloped;

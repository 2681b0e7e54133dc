//! Metadata (saml-metadata-2.0-os): ours is written, a service provider's is read.

mod attributes;
mod read;
mod source;
mod write;

pub use read::read_sp_metadata;
pub use source::read_registration;
pub use write::IdpMetadata;

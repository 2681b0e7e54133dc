//! Metadata (saml-metadata-2.0-os): ours is written, a peer's is read.

mod attributes;
mod read;
mod service_provider;
mod source;
mod write;

pub(crate) use read::key_of;
pub use read::{FederatedProvider, read_federated_provider, read_idp_metadata, read_sp_metadata};
pub use service_provider::SpMetadata;
pub use source::read_registration;
pub use write::IdpMetadata;

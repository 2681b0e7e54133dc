//! What the file of an authenticator says of itself before anybody runs it: the manifest that it carries,
//! and the JSON Schema that judges its settings. Pure: bytes in, values out.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod manifest;
mod schema;
mod section;

pub use manifest::{Asked, MAX_MANIFEST, Manifest, ManifestError};
pub use schema::{Schema, SchemaError, SettingsError};
pub use section::{SECTION, find, with_manifest};

//! What a filter hands to its host as bytes, read strictly. No I/O, and no dependency: so that it is
//! fuzzed (`tests/fuzz`) without the host.
mod fields;
mod signature;

pub use fields::{Fields, read_fields};
pub use signature::{KeyKind, LENGTH_DELIMITED, SignatureArguments, kind_of};

//! The fuzz targets' bodies: the table that the bounded run of `tests/parity` uses as well.
#[path = "../../parity/src/parsers/mod.rs"]
pub mod parsers;

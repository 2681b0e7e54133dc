//! The fuzz targets' bodies: the table that the bounded run of `tests/parity` uses as well.
#[path = "../../parity/src/host_parsers.rs"]
pub mod host_parsers;
#[path = "../../parity/src/parsers.rs"]
pub mod parsers;
#[path = "../../parity/src/wire_parsers.rs"]
pub mod wire_parsers;

//! State in SQLite behind the kernel's store trait, with the conformance suite that every
//! implementation of the trait passes. No other crate of Postern names SQL.
//!
//! [`SqliteStore`] keeps everything in one file (and its `-wal` and `-shm` beside it). Several
//! processes of one machine may have it open: `postern user add` works while `postern serve` runs.
#![forbid(unsafe_code)]

mod check;
mod migrations;
mod open;
mod readers;
mod sqlite;
mod statement;
mod tables;
mod writer;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(test)]
mod plans;

pub use check::CheckedStore;
pub use open::OpenError;
pub use sqlite::SqliteStore;

//! Deleting what has expired.

use postern_kernel::clock::Timestamp;
use rusqlite::{Connection, params};

use crate::statement::{seconds, statement};

/// Most records that one step deletes: some milliseconds, in which no other write waits for long.
pub(crate) const STEP: u32 = 500;

/// One statement for each kind of record that expires.
pub(crate) const KINDS: [&str; 6] = [
    "DELETE FROM sessions WHERE id IN (
         SELECT id FROM sessions WHERE expires_at <= ?1 LIMIT ?2)",
    "DELETE FROM transactions WHERE id IN (
         SELECT id FROM transactions WHERE expires_at <= ?1 LIMIT ?2)",
    "DELETE FROM artifacts WHERE rowid IN (
         SELECT rowid FROM artifacts WHERE expires_at <= ?1 LIMIT ?2)",
    "DELETE FROM remembered WHERE (module, value) IN (
         SELECT module, value FROM remembered WHERE expires_at <= ?1 LIMIT ?2)",
    "DELETE FROM grants WHERE rowid IN (
         SELECT rowid FROM grants WHERE expires_at <= ?1 LIMIT ?2)",
    "DELETE FROM failures WHERE (key, at) IN (
         SELECT key, at FROM failures WHERE expires_at <= ?1 LIMIT ?2)",
];

/// One step of one kind; how many records.
pub(crate) fn step(connection: &Connection, kind: &'static str, now: Timestamp) -> rusqlite::Result<u64> {
    Ok(statement(connection, kind)?.execute(params![seconds(now), STEP])? as u64)
}

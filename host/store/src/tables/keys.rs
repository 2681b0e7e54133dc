//! Signing keys, sealed.

use postern_kernel::clock::Timestamp;
use postern_kernel::store::StoredKey;
use rusqlite::{Connection, Row, params};

use crate::statement::{seconds, statement, timestamp};

/// There are few keys, and all are asked for.
const ALL: &str = "SELECT * FROM keys ORDER BY key_id";
const RETIRE_ACTIVE: &str = "UPDATE keys SET retired_at = ?3
     WHERE module = ?1 AND algorithm = ?2 AND retired_at IS NULL";
const ADD: &str =
    "INSERT INTO keys (key_id, module, algorithm, spki, certificate, sealed, created_at, retired_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const HAS_ACTIVE: &str = "SELECT EXISTS (
         SELECT 1 FROM keys WHERE module = ?1 AND algorithm = ?2 AND retired_at IS NULL)";
const REMOVE: &str = "DELETE FROM keys WHERE retired_at IS NOT NULL AND retired_at < ?1";

pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Vec<StoredKey>> {
    let mut statement = statement(connection, ALL)?;
    let rows = statement.query_map([], key)?;
    rows.collect()
}

/// The active one of the same module and algorithm retires when the new one is made.
pub(crate) fn add(connection: &Connection, key: &StoredKey) -> rusqlite::Result<()> {
    statement(connection, RETIRE_ACTIVE)?.execute(params![
        key.module,
        key.algorithm,
        seconds(key.created_at)
    ])?;
    insert(connection, key)
}

pub(crate) fn add_first(connection: &Connection, key: &StoredKey) -> rusqlite::Result<bool> {
    let has_active: bool =
        statement(connection, HAS_ACTIVE)?.query_row([&key.module, &key.algorithm], |row| row.get(0))?;
    if has_active {
        return Ok(false);
    }
    insert(connection, key)?;
    Ok(true)
}

pub(crate) fn remove_retired_before(connection: &Connection, time: Timestamp) -> rusqlite::Result<u64> {
    Ok(statement(connection, REMOVE)?.execute([seconds(time)])? as u64)
}

fn insert(connection: &Connection, key: &StoredKey) -> rusqlite::Result<()> {
    statement(connection, ADD)?.execute(params![
        key.key_id,
        key.module,
        key.algorithm,
        key.spki,
        key.certificate,
        key.sealed,
        seconds(key.created_at),
        key.retired_at.map(seconds),
    ])?;
    Ok(())
}

fn key(row: &Row<'_>) -> rusqlite::Result<StoredKey> {
    Ok(StoredKey {
        key_id: row.get("key_id")?,
        module: row.get("module")?,
        algorithm: row.get("algorithm")?,
        spki: row.get("spki")?,
        certificate: row.get("certificate")?,
        sealed: row.get("sealed")?,
        created_at: timestamp(row.get("created_at")?),
        retired_at: row.get::<_, Option<i64>>("retired_at")?.map(timestamp),
    })
}

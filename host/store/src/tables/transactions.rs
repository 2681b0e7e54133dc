//! Login transactions.

use postern_kernel::clock::Timestamp;
use postern_kernel::randomness::Fingerprint;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::optional_fingerprint;
use crate::statement::{seconds, statement};

const ADD: &str = "INSERT INTO transactions (id, browser, data, expires_at) VALUES (?1, ?2, ?3, ?4)";
const BY_ID: &str = "SELECT browser, data FROM transactions WHERE id = ?1 AND expires_at > ?2";
const BIND: &str = "UPDATE transactions SET browser = ?2
     WHERE id = ?1 AND expires_at > ?3 AND (browser IS NULL OR browser = ?2)";
const UPDATE: &str = "UPDATE transactions SET data = ?2 WHERE id = ?1 AND expires_at > ?3";
const TAKE: &str = "DELETE FROM transactions WHERE id = ?1 AND expires_at > ?2 RETURNING data";

pub(crate) fn add(
    connection: &Connection,
    id: Fingerprint,
    browser: Option<Fingerprint>,
    data: &[u8],
    until: Timestamp,
) -> rusqlite::Result<()> {
    let browser = browser.map(|browser| browser.0);
    statement(connection, ADD)?.execute(params![id.0, browser, data, seconds(until)])?;
    Ok(())
}

pub(crate) fn by_id(
    connection: &Connection,
    id: Fingerprint,
    now: Timestamp,
) -> rusqlite::Result<Option<(Option<Fingerprint>, Vec<u8>)>> {
    statement(connection, BY_ID)?
        .query_row(params![id.0, seconds(now)], |row| {
            Ok((optional_fingerprint(row, "browser")?, row.get("data")?))
        })
        .optional()
}

pub(crate) fn bind(
    connection: &Connection,
    id: Fingerprint,
    browser: Fingerprint,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    Ok(statement(connection, BIND)?.execute(params![id.0, browser.0, seconds(now)])? == 1)
}

pub(crate) fn update(
    connection: &Connection,
    id: Fingerprint,
    data: &[u8],
    now: Timestamp,
) -> rusqlite::Result<bool> {
    Ok(statement(connection, UPDATE)?.execute(params![id.0, data, seconds(now)])? == 1)
}

pub(crate) fn take(
    connection: &Connection,
    id: Fingerprint,
    now: Timestamp,
) -> rusqlite::Result<Option<Vec<u8>>> {
    statement(connection, TAKE)?.query_row(params![id.0, seconds(now)], |row| row.get(0)).optional()
}

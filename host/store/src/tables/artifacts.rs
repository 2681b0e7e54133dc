//! Values that are taken once, and values that are seen once.

use postern_kernel::clock::Timestamp;
use postern_kernel::store::Taken;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::statement::{seconds, statement};

const PUT: &str =
    "INSERT INTO artifacts (module, key, value, grant_id, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)";
const GET: &str = "SELECT value, grant_id FROM artifacts WHERE module = ?1 AND key = ?2 AND expires_at > ?3";
const SPEND: &str = "UPDATE artifacts SET value = NULL WHERE module = ?1 AND key = ?2";
const REMEMBER: &str = "INSERT INTO remembered (module, value, expires_at) VALUES (?1, ?2, ?3)
     ON CONFLICT (module, value) DO UPDATE SET expires_at = excluded.expires_at
     WHERE remembered.expires_at <= ?4";

/// Fails when the key is in use.
pub(crate) fn put(
    connection: &Connection,
    module: &str,
    key: &str,
    value: &[u8],
    grant: Option<&str>,
    until: Timestamp,
) -> rusqlite::Result<()> {
    statement(connection, PUT)?.execute(params![module, key, value, grant, seconds(until)])?;
    Ok(())
}

/// The value is gone once it is taken; who took it and for what stays until its time has passed.
pub(crate) fn take(
    connection: &Connection,
    module: &str,
    key: &str,
    now: Timestamp,
) -> rusqlite::Result<Taken> {
    let found: Option<(Option<Vec<u8>>, Option<String>)> = statement(connection, GET)?
        .query_row(params![module, key, seconds(now)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match found {
        None => Ok(Taken::Absent),
        Some((None, grant)) => Ok(Taken::Spent(grant)),
        Some((Some(value), _)) => {
            statement(connection, SPEND)?.execute([module, key])?;
            Ok(Taken::Fresh(value))
        }
    }
}

pub(crate) fn remember(
    connection: &Connection,
    module: &str,
    value: &str,
    until: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let written =
        statement(connection, REMEMBER)?.execute(params![module, value, seconds(until), seconds(now)])?;
    Ok(written == 1)
}

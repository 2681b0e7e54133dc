//! Failures in a row that lock a factor.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::statement::statement;

/// Judges and counts in one statement.
const ADMIT: &str = "INSERT INTO factor_failures (subject, authenticator, count)
     SELECT ?1, ?2, 1 WHERE ?3 > 0
     ON CONFLICT (subject, authenticator) DO UPDATE SET count = count + 1 WHERE count < ?3";
const COUNT: &str = "SELECT count FROM factor_failures WHERE subject = ?1 AND authenticator = ?2";
const TAKE_BACK: &str = "UPDATE factor_failures SET count = count - 1
     WHERE subject = ?1 AND authenticator = ?2 AND count > 0";
const CLEAR: &str = "DELETE FROM factor_failures WHERE subject = ?1 AND authenticator = ?2";
const CLEAR_ALL: &str = "DELETE FROM factor_failures WHERE subject = ?1";

pub(crate) fn admit(
    connection: &Connection,
    authenticator: &str,
    subject: &str,
    most: u32,
) -> rusqlite::Result<bool> {
    Ok(statement(connection, ADMIT)?.execute(params![subject, authenticator, most])? == 1)
}

pub(crate) fn count(connection: &Connection, authenticator: &str, subject: &str) -> rusqlite::Result<u32> {
    let found =
        statement(connection, COUNT)?.query_row([subject, authenticator], |row| row.get(0)).optional()?;
    Ok(found.unwrap_or(0))
}

pub(crate) fn take_back(connection: &Connection, authenticator: &str, subject: &str) -> rusqlite::Result<()> {
    statement(connection, TAKE_BACK)?.execute([subject, authenticator])?;
    Ok(())
}

pub(crate) fn clear(connection: &Connection, authenticator: &str, subject: &str) -> rusqlite::Result<bool> {
    Ok(statement(connection, CLEAR)?.execute([subject, authenticator])? == 1)
}

pub(crate) fn clear_all_of(connection: &Connection, subject: &str) -> rusqlite::Result<u64> {
    Ok(statement(connection, CLEAR_ALL)?.execute([subject])? as u64)
}

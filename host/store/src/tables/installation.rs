//! The installation's own values.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::statement::statement;

const GET: &str = "SELECT value FROM installation WHERE name = ?1";
const PROVIDE: &str = "INSERT INTO installation (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
const SET: &str = "INSERT INTO installation (name, value) VALUES (?1, ?2)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value";

pub(crate) fn get(connection: &Connection, name: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    statement(connection, GET)?.query_row([name], |row| row.get(0)).optional()
}

pub(crate) fn provide(connection: &Connection, name: &str, value: &[u8]) -> rusqlite::Result<Vec<u8>> {
    statement(connection, PROVIDE)?.execute(params![name, value])?;
    statement(connection, GET)?.query_row([name], |row| row.get(0))
}

pub(crate) fn set(connection: &Connection, name: &str, value: &[u8]) -> rusqlite::Result<()> {
    statement(connection, SET)?.execute(params![name, value])?;
    Ok(())
}

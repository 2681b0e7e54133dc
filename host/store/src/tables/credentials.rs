//! What authenticators keep about people.

use postern_kernel::store::StoredCredential;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::statement::{seconds, statement, timestamp};

const ADD: &str = "INSERT INTO credentials (id, authenticator, subject, sealed, version, created_at)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6
     WHERE (SELECT count(*) FROM credentials WHERE subject = ?3 AND authenticator = ?2) < ?7";
const OF: &str =
    "SELECT * FROM credentials WHERE subject = ?1 AND authenticator = ?2 ORDER BY created_at, id";
const AUTHENTICATORS_OF: &str =
    "SELECT DISTINCT authenticator FROM credentials WHERE subject = ?1 ORDER BY authenticator";
const BY_ID: &str = "SELECT * FROM credentials WHERE id = ?1 AND authenticator = ?2";
const REPLACE: &str = "UPDATE credentials SET sealed = ?5, version = version + 1
     WHERE id = ?1 AND authenticator = ?2 AND subject = ?3 AND version = ?4";
const REMOVE: &str = "DELETE FROM credentials WHERE id = ?1 AND authenticator = ?2 AND subject = ?3";
const REMOVE_ALL: &str = "DELETE FROM credentials WHERE subject = ?1";

/// False when there are `most` already.
pub(crate) fn add(
    connection: &Connection,
    credential: &StoredCredential,
    most: u32,
) -> rusqlite::Result<bool> {
    let added = statement(connection, ADD)?.execute(params![
        credential.id,
        credential.authenticator,
        credential.subject,
        credential.sealed,
        number(credential.version),
        seconds(credential.created_at),
        most,
    ])?;
    Ok(added == 1)
}

pub(crate) fn of(
    connection: &Connection,
    authenticator: &str,
    subject: &str,
) -> rusqlite::Result<Vec<StoredCredential>> {
    let mut statement = statement(connection, OF)?;
    let rows = statement.query_map([subject, authenticator], credential)?;
    rows.collect()
}

pub(crate) fn authenticators_of(connection: &Connection, subject: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = statement(connection, AUTHENTICATORS_OF)?;
    let rows = statement.query_map([subject], |row| row.get(0))?;
    rows.collect()
}

pub(crate) fn by_id(
    connection: &Connection,
    authenticator: &str,
    id: &str,
) -> rusqlite::Result<Option<StoredCredential>> {
    statement(connection, BY_ID)?.query_row([id, authenticator], credential).optional()
}

pub(crate) fn replace(connection: &Connection, credential: &StoredCredential) -> rusqlite::Result<bool> {
    let replaced = statement(connection, REPLACE)?.execute(params![
        credential.id,
        credential.authenticator,
        credential.subject,
        number(credential.version),
        credential.sealed,
    ])?;
    Ok(replaced == 1)
}

pub(crate) fn remove(
    connection: &Connection,
    authenticator: &str,
    subject: &str,
    id: &str,
) -> rusqlite::Result<bool> {
    Ok(statement(connection, REMOVE)?.execute([id, authenticator, subject])? == 1)
}

pub(crate) fn remove_all_of(connection: &Connection, subject: &str) -> rusqlite::Result<u64> {
    Ok(statement(connection, REMOVE_ALL)?.execute([subject])? as u64)
}

fn number(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

fn credential(row: &Row<'_>) -> rusqlite::Result<StoredCredential> {
    let version: i64 = row.get("version")?;
    Ok(StoredCredential {
        id: row.get("id")?,
        authenticator: row.get("authenticator")?,
        subject: row.get("subject")?,
        sealed: row.get("sealed")?,
        version: version.unsigned_abs(),
        created_at: timestamp(row.get("created_at")?),
    })
}

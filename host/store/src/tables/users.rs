//! People.

use postern_kernel::directory::Claim;
use postern_kernel::store::{Page, User};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{from_json, json, page, rows_for};
use crate::statement::{seconds, statement, timestamp};

const ADD: &str =
    "INSERT INTO users (subject, username_key, username, password_hash, disabled, claims, created_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
const BY_NAME: &str = "SELECT * FROM users WHERE username_key = ?1";
const BY_SUBJECT: &str = "SELECT * FROM users WHERE subject = ?1";
const LIST: &str = "SELECT * FROM users WHERE username_key > ?1 ORDER BY username_key LIMIT ?2";
const SET_PASSWORD_HASH: &str = "UPDATE users SET password_hash = ?2, password_version = password_version + 1
     WHERE subject = ?1";
const PASSWORD_VERSION: &str = "SELECT subject, password_version FROM users WHERE username_key = ?1";
const REPLACE_PASSWORD_HASH: &str =
    "UPDATE users SET password_hash = ?3 WHERE subject = ?1 AND password_hash = ?2";
const SET_DISABLED: &str = "UPDATE users SET disabled = ?2 WHERE subject = ?1";

const SET_CLAIMS: &str = "UPDATE users SET claims = ?2 WHERE subject = ?1";

/// False when the name or the subject is in use.
pub(crate) fn add(connection: &Connection, user: &User, password_hash: &str) -> rusqlite::Result<bool> {
    let added = statement(connection, ADD)?.execute(params![
        user.subject,
        key(&user.username),
        user.username,
        password_hash,
        user.disabled,
        json(&user.claims)?,
        seconds(user.created_at),
    ])?;
    Ok(added == 1)
}

pub(crate) fn by_name(connection: &Connection, username: &str) -> rusqlite::Result<Option<(User, String)>> {
    statement(connection, BY_NAME)?
        .query_row([key(username)], |row| Ok((user(row)?, row.get("password_hash")?)))
        .optional()
}

pub(crate) fn by_subject(connection: &Connection, subject: &str) -> rusqlite::Result<Option<User>> {
    statement(connection, BY_SUBJECT)?.query_row([subject], user).optional()
}

pub(crate) fn list(connection: &Connection, after: Option<&str>, limit: u32) -> rusqlite::Result<Page<User>> {
    let mut statement = statement(connection, LIST)?;
    let rows = statement.query_map(params![after.unwrap_or_default(), rows_for(limit)], user)?;
    Ok(page(rows.collect::<Result<_, _>>()?, limit, |user| key(&user.username)))
}

pub(crate) fn set_password_hash(
    connection: &Connection,
    subject: &str,
    password_hash: &str,
) -> rusqlite::Result<bool> {
    Ok(statement(connection, SET_PASSWORD_HASH)?.execute([subject, password_hash])? == 1)
}

pub(crate) fn replace_password_hash(
    connection: &Connection,
    subject: &str,
    old: &str,
    new: &str,
) -> rusqlite::Result<bool> {
    Ok(statement(connection, REPLACE_PASSWORD_HASH)?.execute([subject, old, new])? == 1)
}

pub(crate) fn password_version(
    connection: &Connection,
    username: &str,
) -> rusqlite::Result<Option<(String, u64)>> {
    statement(connection, PASSWORD_VERSION)?
        .query_row([key(username)], |row| {
            let version: i64 = row.get("password_version")?;
            Ok((row.get("subject")?, version.unsigned_abs()))
        })
        .optional()
}

pub(crate) fn set_disabled(connection: &Connection, subject: &str, disabled: bool) -> rusqlite::Result<bool> {
    Ok(statement(connection, SET_DISABLED)?.execute(params![subject, disabled])? == 1)
}

pub(crate) fn set_claims(connection: &Connection, subject: &str, claims: &[Claim]) -> rusqlite::Result<bool> {
    Ok(statement(connection, SET_CLAIMS)?.execute(params![subject, json(&claims)?])? == 1)
}

/// What names are compared by.
fn key(username: &str) -> String {
    username.to_lowercase()
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        subject: row.get("subject")?,
        username: row.get("username")?,
        disabled: row.get("disabled")?,
        claims: from_json(row, "claims")?,
        created_at: timestamp(row.get("created_at")?),
    })
}

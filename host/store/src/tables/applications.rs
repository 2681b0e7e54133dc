//! Registered applications.

use postern_kernel::store::{Application, Page};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{optional_fingerprint, page, rows_for};
use crate::statement::{seconds, statement, timestamp};

const ADD: &str =
    "INSERT INTO applications (id, module, identifier, name, settings, secret, disabled, created_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING";
const UPDATE: &str =
    "UPDATE applications SET name = ?2, settings = ?3, secret = ?4, disabled = ?5 WHERE id = ?1";
const BY_ID: &str = "SELECT * FROM applications WHERE id = ?1";
const BY_IDENTIFIER: &str = "SELECT * FROM applications WHERE module = ?1 AND identifier = ?2";
const LIST: &str = "SELECT * FROM applications WHERE (module, identifier) > (?1, ?2)
     ORDER BY module, identifier LIMIT ?3";
/// Participants, grants and consents refer to it and go with it.
const REMOVE: &str = "DELETE FROM applications WHERE id = ?1";

/// False when the identifier is in use in the module.
pub(crate) fn add(connection: &Connection, application: &Application) -> rusqlite::Result<bool> {
    let added = statement(connection, ADD)?.execute(params![
        application.id,
        application.module,
        application.identifier,
        application.name,
        application.settings,
        application.secret.map(|secret| secret.0),
        application.disabled,
        seconds(application.created_at),
    ])?;
    Ok(added == 1)
}

pub(crate) fn update(connection: &Connection, application: &Application) -> rusqlite::Result<bool> {
    let updated = statement(connection, UPDATE)?.execute(params![
        application.id,
        application.name,
        application.settings,
        application.secret.map(|secret| secret.0),
        application.disabled,
    ])?;
    Ok(updated == 1)
}

pub(crate) fn by_id(connection: &Connection, id: &str) -> rusqlite::Result<Option<Application>> {
    statement(connection, BY_ID)?.query_row([id], application).optional()
}

pub(crate) fn by_identifier(
    connection: &Connection,
    module: &str,
    identifier: &str,
) -> rusqlite::Result<Option<Application>> {
    statement(connection, BY_IDENTIFIER)?.query_row([module, identifier], application).optional()
}

pub(crate) fn list(
    connection: &Connection,
    after: Option<&str>,
    limit: u32,
) -> rusqlite::Result<Page<Application>> {
    // A module's name has no space.
    let (module, identifier) = after.and_then(|place| place.split_once(' ')).unwrap_or_default();
    let mut statement = statement(connection, LIST)?;
    let rows = statement.query_map(params![module, identifier, rows_for(limit)], application)?;
    Ok(page(rows.collect::<Result<_, _>>()?, limit, |last| format!("{} {}", last.module, last.identifier)))
}

pub(crate) fn remove(connection: &Connection, id: &str) -> rusqlite::Result<bool> {
    Ok(statement(connection, REMOVE)?.execute([id])? == 1)
}

fn application(row: &Row<'_>) -> rusqlite::Result<Application> {
    Ok(Application {
        id: row.get("id")?,
        module: row.get("module")?,
        identifier: row.get("identifier")?,
        name: row.get("name")?,
        settings: row.get("settings")?,
        secret: optional_fingerprint(row, "secret")?,
        disabled: row.get("disabled")?,
        created_at: timestamp(row.get("created_at")?),
    })
}

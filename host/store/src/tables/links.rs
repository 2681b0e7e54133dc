//! Outside identities that are linked with people.

use postern_kernel::store::{Link, User};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::users;
use crate::statement::{seconds, statement, timestamp};

const ADD: &str = "INSERT INTO links
         (id, authenticator, issuer, identity, subject, label, created, created_at)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
     WHERE (SELECT count(*) FROM links WHERE subject = ?5) < ?9
     ON CONFLICT (authenticator, issuer, identity) DO NOTHING";
const FIND: &str = "SELECT * FROM links WHERE authenticator = ?1 AND issuer = ?2 AND identity = ?3";
const OF: &str = "SELECT * FROM links WHERE subject = ?1 ORDER BY created_at, id";
const REMOVE: &str = "DELETE FROM links WHERE id = ?1 AND subject = ?2";
const REMOVE_ALL: &str = "DELETE FROM links WHERE subject = ?1";

/// False when the identity is linked already, or the person has `most` links.
pub(crate) fn add(connection: &Connection, link: &Link, most: u32) -> rusqlite::Result<bool> {
    let added = statement(connection, ADD)?.execute(params![
        link.id,
        link.authenticator,
        link.issuer,
        link.identity,
        link.subject,
        link.label,
        link.created,
        seconds(link.created_at),
        most,
    ])?;
    Ok(added == 1)
}

/// Both or none: false when the name is in use, or the identity linked already.
pub(crate) fn add_with_user(
    connection: &Connection,
    user: &User,
    password_hash: &str,
    link: &Link,
) -> rusqlite::Result<bool> {
    // The writer's transaction holds others' work as well: nothing is written that would have to be undone.
    if find(connection, &link.authenticator, &link.issuer, &link.identity)?.is_some() {
        return Ok(false);
    }
    Ok(users::add(connection, user, password_hash)? && add(connection, link, 1)?)
}

pub(crate) fn find(
    connection: &Connection,
    authenticator: &str,
    issuer: &str,
    identity: &str,
) -> rusqlite::Result<Option<Link>> {
    statement(connection, FIND)?.query_row([authenticator, issuer, identity], link).optional()
}

pub(crate) fn of(connection: &Connection, subject: &str) -> rusqlite::Result<Vec<Link>> {
    let mut statement = statement(connection, OF)?;
    let rows = statement.query_map([subject], link)?;
    rows.collect()
}

/// Judges and removes in one transaction of the one writer: no other removal slips in between.
pub(crate) fn remove(
    connection: &Connection,
    subject: &str,
    id: &str,
    beside: Option<&[String]>,
) -> rusqlite::Result<bool> {
    if let Some(beside) = beside {
        let serves = |link: &Link| link.id != id && beside.contains(&link.authenticator);
        if !of(connection, subject)?.iter().any(serves) {
            return Ok(false);
        }
    }
    Ok(statement(connection, REMOVE)?.execute([id, subject])? == 1)
}

pub(crate) fn remove_all_of(connection: &Connection, subject: &str) -> rusqlite::Result<u64> {
    Ok(statement(connection, REMOVE_ALL)?.execute([subject])? as u64)
}

fn link(row: &Row<'_>) -> rusqlite::Result<Link> {
    Ok(Link {
        id: row.get("id")?,
        authenticator: row.get("authenticator")?,
        issuer: row.get("issuer")?,
        identity: row.get("identity")?,
        subject: row.get("subject")?,
        label: row.get("label")?,
        created: row.get("created")?,
        created_at: timestamp(row.get("created_at")?),
    })
}

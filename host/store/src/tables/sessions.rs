//! Sessions.

use postern_kernel::clock::Timestamp;
use postern_kernel::randomness::Fingerprint;
use postern_kernel::store::{Page, Session};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{fingerprint, from_json, json, page, rows_for};
use crate::statement::{seconds, statement, timestamp};

const ADD: &str = "INSERT INTO sessions (id, secret, subject, username, authenticated_at, context, methods,
                           created_at, last_used_at, expires_at, contexts, user_agent,
                           address, authenticators, several, links, proven_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
const BY_SECRET: &str = "SELECT * FROM sessions WHERE secret = ?1 AND expires_at > ?2";
/// One that has expired is not there any more, and no session passes from one person to another.
const RENEW: &str = "UPDATE sessions SET secret = ?3, authenticated_at = ?4, context = ?5, methods = ?6,
                           last_used_at = ?7, expires_at = ?8, contexts = ?9, user_agent = ?10,
                           address = ?11, authenticators = ?12, several = ?13, links = ?14, proven_at = ?15
     WHERE id = ?1 AND subject = ?2 AND expires_at > ?7";
/// Two nodes may report out of order.
const TOUCH: &str = "UPDATE sessions SET last_used_at = ?2 WHERE id = ?1 AND last_used_at < ?2";
/// Participants and grants bound to it refer to it and go with it.
const END: &str = "DELETE FROM sessions WHERE id = ?1";
/// Those that outlive a session too: offline access.
const END_GRANTS: &str = "DELETE FROM grants WHERE subject = ?1";
const END_ALL: &str = "DELETE FROM sessions WHERE subject = ?1";
/// Those that are bound to another session go with it.
const END_OTHER_GRANTS: &str = "DELETE FROM grants WHERE subject = ?1 AND session IS NULL";
const END_OTHERS: &str = "DELETE FROM sessions WHERE subject = ?1 AND id <> ?2";
const OF: &str = "SELECT * FROM sessions WHERE subject = ?1 AND expires_at > ?2 LIMIT ?3";
const LIST: &str = "SELECT * FROM sessions WHERE id > ?1 AND expires_at > ?2 ORDER BY id LIMIT ?3";
const BY_INDEX: &str = "SELECT sessions.* FROM participants
     JOIN applications ON applications.id = participants.application
     JOIN sessions ON sessions.id = participants.session
     WHERE participants.session_index = ?1 AND applications.module = ?2 AND sessions.expires_at > ?3
     LIMIT 1";

pub(crate) fn add(connection: &Connection, session: &Session) -> rusqlite::Result<()> {
    statement(connection, ADD)?.execute(params![
        session.id,
        session.secret.0,
        session.subject,
        session.username,
        seconds(session.authenticated_at),
        session.context,
        json(&session.methods)?,
        seconds(session.created_at),
        seconds(session.last_used_at),
        seconds(session.expires_at),
        json(&session.contexts)?,
        session.user_agent,
        session.address,
        json(&session.authenticators)?,
        json(&session.several)?,
        json(&session.links)?,
        session.proven_at.map(seconds),
    ])?;
    Ok(())
}

pub(crate) fn by_secret(
    connection: &Connection,
    secret: Fingerprint,
    now: Timestamp,
) -> rusqlite::Result<Option<Session>> {
    statement(connection, BY_SECRET)?.query_row(params![secret.0, seconds(now)], session).optional()
}

pub(crate) fn renew(connection: &Connection, session: &Session) -> rusqlite::Result<bool> {
    let renewed = statement(connection, RENEW)?.execute(params![
        session.id,
        session.subject,
        session.secret.0,
        seconds(session.authenticated_at),
        session.context,
        json(&session.methods)?,
        seconds(session.last_used_at),
        seconds(session.expires_at),
        json(&session.contexts)?,
        session.user_agent,
        session.address,
        json(&session.authenticators)?,
        json(&session.several)?,
        json(&session.links)?,
        session.proven_at.map(seconds),
    ])?;
    Ok(renewed == 1)
}

pub(crate) fn touch(connection: &Connection, id: &str, now: Timestamp) -> rusqlite::Result<()> {
    statement(connection, TOUCH)?.execute(params![id, seconds(now)])?;
    Ok(())
}

pub(crate) fn end(connection: &Connection, id: &str) -> rusqlite::Result<bool> {
    Ok(statement(connection, END)?.execute([id])? == 1)
}

pub(crate) fn end_all_of(connection: &Connection, subject: &str) -> rusqlite::Result<u64> {
    statement(connection, END_GRANTS)?.execute([subject])?;
    Ok(statement(connection, END_ALL)?.execute([subject])? as u64)
}

pub(crate) fn end_others_of(connection: &Connection, subject: &str, keep: &str) -> rusqlite::Result<u64> {
    statement(connection, END_OTHER_GRANTS)?.execute([subject])?;
    Ok(statement(connection, END_OTHERS)?.execute([subject, keep])? as u64)
}

/// Sorted here: a person has a handful.
pub(crate) fn of(
    connection: &Connection,
    subject: &str,
    now: Timestamp,
    limit: u32,
) -> rusqlite::Result<Vec<Session>> {
    let mut statement = statement(connection, OF)?;
    let rows = statement.query_map(params![subject, seconds(now), limit], session)?;
    let mut found = rows.collect::<Result<Vec<_>, _>>()?;
    found.sort_by(|one, other| (other.last_used_at, &other.id).cmp(&(one.last_used_at, &one.id)));
    Ok(found)
}

pub(crate) fn list(
    connection: &Connection,
    now: Timestamp,
    after: Option<&str>,
    limit: u32,
) -> rusqlite::Result<Page<Session>> {
    let mut statement = statement(connection, LIST)?;
    let rows =
        statement.query_map(params![after.unwrap_or_default(), seconds(now), rows_for(limit)], session)?;
    Ok(page(rows.collect::<Result<_, _>>()?, limit, |last| last.id.clone()))
}

pub(crate) fn by_index(
    connection: &Connection,
    module: &str,
    session_index: &str,
    now: Timestamp,
) -> rusqlite::Result<Option<Session>> {
    statement(connection, BY_INDEX)?
        .query_row(params![session_index, module, seconds(now)], session)
        .optional()
}

fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        id: row.get("id")?,
        secret: fingerprint(row, "secret")?,
        subject: row.get("subject")?,
        username: row.get("username")?,
        authenticated_at: timestamp(row.get("authenticated_at")?),
        context: row.get("context")?,
        contexts: from_json(row, "contexts")?,
        methods: from_json(row, "methods")?,
        authenticators: from_json(row, "authenticators")?,
        several: from_json(row, "several")?,
        links: from_json(row, "links")?,
        proven_at: row.get::<_, Option<i64>>("proven_at")?.map(timestamp),
        created_at: timestamp(row.get("created_at")?),
        last_used_at: timestamp(row.get("last_used_at")?),
        expires_at: timestamp(row.get("expires_at")?),
        user_agent: row.get("user_agent")?,
        address: row.get("address")?,
    })
}

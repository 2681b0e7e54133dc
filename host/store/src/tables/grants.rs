//! What subjects allowed applications.

use postern_kernel::clock::Timestamp;
use postern_kernel::store::Grant;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{from_json, json};
use crate::statement::{seconds, statement, timestamp};

const ADD: &str =
    "INSERT INTO grants (module, id, application, subject, session, data, issued_at, expires_at, signed_in)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
/// A grant that is bound to a session ends with it, also when nobody has purged the session yet.
const BY_ID: &str = "SELECT * FROM grants WHERE module = ?1 AND id = ?2 AND expires_at > ?3
     AND (session IS NULL
          OR EXISTS (SELECT 1 FROM sessions WHERE sessions.id = grants.session AND sessions.expires_at > ?3))";
const OF: &str = "SELECT * FROM grants WHERE subject = ?1 AND signed_in IS NOT NULL";
const REVOKE: &str = "DELETE FROM grants WHERE module = ?1 AND id = ?2";

/// Fails when the application is not registered or the session has ended.
pub(crate) fn add(connection: &Connection, grant: &Grant) -> rusqlite::Result<()> {
    statement(connection, ADD)?.execute(params![
        grant.module,
        grant.id,
        grant.application,
        grant.subject,
        grant.session,
        grant.data,
        seconds(grant.issued_at),
        seconds(grant.expires_at),
        grant.signed_in.as_ref().map(json).transpose()?,
    ])?;
    Ok(())
}

pub(crate) fn by_id(
    connection: &Connection,
    module: &str,
    id: &str,
    now: Timestamp,
) -> rusqlite::Result<Option<Grant>> {
    statement(connection, BY_ID)?.query_row(params![module, id, seconds(now)], grant).optional()
}

pub(crate) fn revoke(connection: &Connection, module: &str, id: &str) -> rusqlite::Result<bool> {
    Ok(statement(connection, REVOKE)?.execute([module, id])? == 1)
}

pub(crate) fn revoke_of_link(connection: &Connection, subject: &str, link: &str) -> rusqlite::Result<u64> {
    let mut statement = statement(connection, OF)?;
    let grants = statement.query_map([subject], grant)?.collect::<Result<Vec<_>, _>>()?;
    let mut revoked = 0;
    for grant in grants {
        let came_of_it = grant.signed_in.is_some_and(|did| did.links.iter().any(|id| id == link));
        revoked += u64::from(came_of_it && revoke(connection, &grant.module, &grant.id)?);
    }
    Ok(revoked)
}

fn grant(row: &Row<'_>) -> rusqlite::Result<Grant> {
    Ok(Grant {
        id: row.get("id")?,
        module: row.get("module")?,
        application: row.get("application")?,
        subject: row.get("subject")?,
        session: row.get("session")?,
        data: row.get("data")?,
        issued_at: timestamp(row.get("issued_at")?),
        expires_at: timestamp(row.get("expires_at")?),
        signed_in: match row.get::<_, Option<String>>("signed_in")? {
            Some(_) => Some(from_json(row, "signed_in")?),
            None => None,
        },
    })
}

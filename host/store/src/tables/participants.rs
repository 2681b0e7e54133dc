//! The applications that a session has signed in to.

use postern_kernel::store::Participant;
use rusqlite::Connection;

use crate::statement::statement;

const JOIN: &str = "INSERT INTO participants (session, application, session_index) VALUES (?1, ?2, ?3)
     ON CONFLICT (session, application) DO NOTHING";
const INDEX: &str = "SELECT session_index FROM participants WHERE session = ?1 AND application = ?2";
const OF_SESSION: &str =
    "SELECT application, session_index FROM participants WHERE session = ?1 ORDER BY application";

/// Fails when the session has ended or the application is not registered any more.
pub(crate) fn join(
    connection: &Connection,
    session: &str,
    application: &str,
    session_index: &str,
) -> rusqlite::Result<String> {
    statement(connection, JOIN)?.execute([session, application, session_index])?;
    statement(connection, INDEX)?.query_row([session, application], |row| row.get(0))
}

pub(crate) fn of_session(connection: &Connection, session: &str) -> rusqlite::Result<Vec<Participant>> {
    let mut statement = statement(connection, OF_SESSION)?;
    let rows = statement.query_map([session], |row| {
        Ok(Participant { application: row.get(0)?, session_index: row.get(1)? })
    })?;
    rows.collect()
}

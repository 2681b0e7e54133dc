//! What subjects agreed to.

use postern_kernel::clock::Timestamp;
use rusqlite::{Connection, params};

use crate::statement::{seconds, statement};

const ADD: &str = "INSERT INTO consents (subject, application, item, given_at) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT DO NOTHING";
const OF: &str = "SELECT item FROM consents WHERE subject = ?1 AND application = ?2 ORDER BY item";

pub(crate) fn add(
    connection: &Connection,
    subject: &str,
    application: &str,
    items: &[String],
    now: Timestamp,
) -> rusqlite::Result<()> {
    let mut statement = statement(connection, ADD)?;
    for item in items {
        statement.execute(params![subject, application, item, seconds(now)])?;
    }
    Ok(())
}

pub(crate) fn of(connection: &Connection, subject: &str, application: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = statement(connection, OF)?;
    let rows = statement.query_map([subject, application], |row| row.get(0))?;
    rows.collect()
}

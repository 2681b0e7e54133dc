//! The schema and its changes.
//!
//! Each change is one numbered file in `migrations/`, applied in one transaction and never edited
//! once released. SQLite's `user_version` holds the number of the last one.
//!
//! Neighbouring releases work on one database: expand first, contract a release later. A change
//! that only adds (a table, a column with a default, an index) leaves [`Migration::needs`] alone,
//! so that the release before goes on working; the release after may take away what nobody uses
//! any more, and raises it. A binary opens a database with a newer schema as long as it knows the
//! schema that the newest change needs, and refuses it otherwise.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::open::OpenError;

/// One change of the schema.
struct Migration {
    /// From 1 on, without gaps.
    number: u32,
    /// The oldest schema that a binary must know to work with the result.
    needs: u32,
    /// What it does.
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, needs: 1, sql: include_str!("../migrations/0001_initial.sql") },
    // A node of the release before sets a password and leaves the number alone: device cookies of
    // before go on counting as known devices, which is no way in.
    Migration { number: 2, needs: 1, sql: include_str!("../migrations/0002_password_version.sql") },
    // A node of the release before renews a session and leaves `contexts` alone: they count only while
    // the last of them is the session's context.
    Migration { number: 3, needs: 1, sql: include_str!("../migrations/0003_credentials.sql") },
    // A node of the release before counts no failures in a row, and leaves browser and address of its
    // sessions empty.
    Migration { number: 4, needs: 1, sql: include_str!("../migrations/0004_account_pages.sql") },
    // A node of the release before has no authenticator that names outside identities.
    Migration { number: 5, needs: 1, sql: include_str!("../migrations/0005_links.sql") },
    // A node of the release before renews a session and leaves `several` alone: a name counts only while it is
    // one of the session's authenticators.
    Migration { number: 6, needs: 1, sql: include_str!("../migrations/0006_several_factors.sql") },
    // A node of the release before leaves `links` empty or as they were: then the session ends with each link of
    // its authenticators, or with one more.
    Migration { number: 7, needs: 1, sql: include_str!("../migrations/0007_links_of_sessions.sql") },
    // Of a grant that a node of the release before has made nobody knows the steps: a policy that asks for more
    // than the configuration refuses its renewal.
    Migration { number: 8, needs: 1, sql: include_str!("../migrations/0008_sign_in_of_grants.sql") },
    // A node of the release before leaves `proven_at` as it was or empty: who has to be there is asked again.
    Migration { number: 9, needs: 1, sql: include_str!("../migrations/0009_presence.sql") },
];

/// `user_version` of a file says nothing about whose it is.
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"Post");

/// Brings the schema up to date. Of several processes, one does it.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    apply(connection, path, MIGRATIONS)
}

/// The schema that the database has, and the one that it has once it is opened for work; nothing is
/// changed.
pub(crate) fn check(connection: &Connection, path: &Path) -> Result<(u32, u32), OpenError> {
    let sqlite = |error| OpenError::Sqlite { path: path.into(), error };
    let known = MIGRATIONS.last().map_or(0, |migration| migration.number);
    let found = version(connection).map_err(sqlite)?;
    let is_new = found == 0 && is_empty(connection).map_err(sqlite)?;
    if is_new {
        return Ok((0, known));
    }
    if found == 0 || application_id(connection).map_err(sqlite)? != APPLICATION_ID {
        return Err(OpenError::Foreign { path: path.into() });
    }
    let needed = needs(connection).map_err(sqlite)?;
    if needed > known {
        return Err(OpenError::NewerSchema { path: path.into(), found, needed, known });
    }
    Ok((found, known.max(found)))
}

fn apply(connection: &mut Connection, path: &Path, migrations: &[Migration]) -> Result<(), OpenError> {
    let sqlite = |error| OpenError::Sqlite { path: path.into(), error };
    let known = migrations.last().map_or(0, |migration| migration.number);
    // Most starts find everything in place and need no lock.
    if is_current(connection, known).map_err(sqlite)? {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
    let found = version(&transaction).map_err(sqlite)?;
    if found == 0 {
        if !is_empty(&transaction).map_err(sqlite)? {
            return Err(OpenError::Foreign { path: path.into() });
        }
        begin(&transaction).map_err(sqlite)?;
    } else if application_id(&transaction).map_err(sqlite)? != APPLICATION_ID {
        return Err(OpenError::Foreign { path: path.into() });
    }
    let needed = needs(&transaction).map_err(sqlite)?;
    if needed > known {
        return Err(OpenError::NewerSchema { path: path.into(), found, needed, known });
    }
    for migration in migrations.iter().filter(|migration| migration.number > found) {
        transaction.execute_batch(migration.sql).map_err(sqlite)?;
        transaction.pragma_update(None, "user_version", migration.number).map_err(sqlite)?;
        transaction.execute("UPDATE schema SET needs = ?1", [migration.needs]).map_err(sqlite)?;
        tracing::info!(schema = migration.number, "database schema changed");
    }
    transaction.commit().map_err(sqlite)
}

fn is_current(connection: &Connection, known: u32) -> rusqlite::Result<bool> {
    Ok(version(connection)? == known && application_id(connection)? == APPLICATION_ID)
}

fn begin(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.execute_batch(
        "CREATE TABLE schema (needs INTEGER NOT NULL) STRICT; INSERT INTO schema (needs) VALUES (0);",
    )
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn application_id(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

fn needs(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("SELECT needs FROM schema", [], |row| row.get(0))
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDS: Migration = Migration { number: 2, needs: 1, sql: "CREATE TABLE added (id INTEGER)" };
    const TAKES_AWAY: Migration = Migration { number: 3, needs: 2, sql: "DROP TABLE installation" };
    const BROKEN: Migration =
        Migration { number: 2, needs: 1, sql: "CREATE TABLE half (id INTEGER); CREATE TABLE users (id)" };

    fn first() -> Migration {
        Migration { number: 1, needs: 1, sql: MIGRATIONS[0].sql }
    }

    fn run(connection: &mut Connection, migrations: &[Migration]) -> Result<(), OpenError> {
        apply(connection, Path::new("test.db"), migrations)
    }

    #[test]
    fn numbers_have_no_gaps_and_needs_never_exceed_them() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.number as usize, index + 1);
            assert!(migration.needs <= migration.number && migration.needs >= 1);
        }
    }

    #[test]
    fn the_release_before_works_on_an_expanded_database_and_is_refused_by_a_contracted_one() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection, &[first(), ADDS]).unwrap();
        run(&mut connection, &[first()]).unwrap();
        assert_eq!(version(&connection).unwrap(), 2, "an older binary leaves the schema as it is");

        run(&mut connection, &[first(), ADDS, TAKES_AWAY]).unwrap();
        run(&mut connection, &[first(), ADDS]).unwrap();
        let refused = run(&mut connection, &[first()]).unwrap_err();
        assert!(matches!(refused, OpenError::NewerSchema { found: 3, needed: 2, known: 1, .. }), "{refused}");
    }

    #[test]
    fn a_change_that_fails_leaves_no_trace() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection, &[first()]).unwrap();
        run(&mut connection, &[first(), BROKEN]).unwrap_err();
        assert_eq!(version(&connection).unwrap(), 1);
        assert!(connection.prepare("SELECT * FROM half").is_err());
    }

    #[test]
    fn a_database_of_something_else_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE recipes (id INTEGER)").unwrap();
        assert!(matches!(run(&mut connection, &[first()]), Err(OpenError::Foreign { .. })));
        connection.pragma_update(None, "user_version", 1).unwrap();
        assert!(matches!(run(&mut connection, &[first()]), Err(OpenError::Foreign { .. })));
    }
}

//! The one way to a prepared statement.

use postern_kernel::clock::Timestamp;
use rusqlite::{CachedStatement, Connection};

/// The statement, prepared once for each connection.
pub(crate) fn statement<'a>(
    connection: &'a Connection,
    sql: &'static str,
) -> rusqlite::Result<CachedStatement<'a>> {
    #[cfg(test)]
    seen::add(sql);
    connection.prepare_cached(sql)
}

/// SQLite's integers are signed; a time beyond them is never reached.
pub(crate) fn seconds(time: Timestamp) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

/// The time in a column.
pub(crate) fn timestamp(seconds: i64) -> Timestamp {
    Timestamp(u64::try_from(seconds).unwrap_or(0))
}

/// Every statement that ran, for the test of their plans.
#[cfg(test)]
pub(crate) mod seen {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    static SEEN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

    pub(crate) fn add(sql: &'static str) {
        SEEN.lock().unwrap().insert(sql);
    }

    pub(crate) fn all() -> BTreeSet<&'static str> {
        SEEN.lock().unwrap().clone()
    }
}

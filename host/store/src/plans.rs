//! No statement reads a whole table: what a request costs does not grow with the number of users,
//! sessions and one-time values.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::Connection;

use crate::SqliteStore;
use crate::conformance::{State, check};
use crate::statement::seen;

/// What is read whole, on purpose: `keys` has a handful of rows, `SELECT EXISTS (…)` has one.
const SMALL: [&str; 2] = ["SCAN keys", "SCAN CONSTANT ROW"];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_conforms_and_no_statement_scans_a_table() {
    check(&fresh).await;

    let state = fresh();
    let path = state.keep.downcast_ref::<tempfile::TempDir>().unwrap().path().join("state.db");
    let connection = Connection::open(path).unwrap();
    let statements = seen::all();
    assert!(statements.len() >= 50, "the suite ran {} statements only", statements.len());
    let mut scans = BTreeSet::new();
    for sql in statements {
        for step in plan(&connection, sql) {
            if step.starts_with("SCAN ") && !SMALL.iter().any(|small| step.starts_with(small)) {
                scans.insert(format!("{sql}: {step}"));
            }
            assert!(!step.contains("TEMP B-TREE"), "{sql} sorts: {step}");
        }
    }
    assert!(scans.is_empty(), "{scans:#?}");
}

fn fresh() -> State {
    let files = tempfile::tempdir().unwrap();
    let node = || Arc::new(SqliteStore::open(&files.path().join("state.db")).unwrap());
    State { one: node(), two: node(), keep: Box::new(files) }
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get::<_, String>("detail").unwrap());
    }
    steps
}

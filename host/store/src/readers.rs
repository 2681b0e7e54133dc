//! Reading.
//!
//! A read runs on the thread that asks for it: a point read takes some 10 µs, less than handing
//! it to another thread and back, and a write-ahead log lets readers pass writers. No read waits
//! for a connection: when none is idle, another is opened, so that there are at most as many as
//! threads that read at once.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use crate::open::open_reader;

pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Opens the first one, so that what is wrong shows at start-up.
    pub(crate) fn open(path: PathBuf) -> rusqlite::Result<Self> {
        let first = open_reader(&path)?;
        Ok(Self { path, idle: Mutex::new(vec![first]) })
    }

    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let idle = self.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        let result = work(&connection);
        // One that failed may be in a state that we do not know: it is closed.
        if result.is_ok() {
            self.lock().push(connection);
        }
        result
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // A panic can't leave the list half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

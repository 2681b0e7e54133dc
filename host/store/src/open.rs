//! Opening the database file: who may read it, and how SQLite treats it.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::migrations;

/// How long a writer waits for one of another process.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// More than we have statements.
const STATEMENT_CACHE: usize = 128;

/// Why the database was not opened. Each says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory lets everybody create and replace files.
    #[error(
        "store.directory.world-writable: {path} has mode {mode:04o}: everybody can write there; \
         keep the state in a directory of its own with mode 0700"
    )]
    DirectoryWorldWritable {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Others than the owner have access to the file.
    #[error("store.file.permissions: {path} has mode {mode:04o}: make it 0600 (chmod 600)")]
    FilePermissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not a regular file.
    #[error("store.file.kind: {path} is not a regular file")]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// The file or its directory could not be read or made.
    #[error("store.file.unreadable: {path}: {error}")]
    File {
        /// What was named.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A later release has changed the database so that this one can't work with it.
    #[error(
        "store.schema.newer: {path} has schema {found}, which needs a Postern that knows schema \
         {needed}; this one knows {known}: run the newer release"
    )]
    NewerSchema {
        /// The database.
        path: PathBuf,
        /// The schema that it has.
        found: u32,
        /// The oldest schema that a binary must know to work with it.
        needed: u32,
        /// The newest schema that this binary knows.
        known: u32,
    },
    /// The file is a database of something else.
    #[error("store.file.foreign: {path} is a SQLite database, but not one of Postern")]
    Foreign {
        /// The database.
        path: PathBuf,
    },
    /// Pages, indices or references do not fit each other.
    #[error("store.file.damaged: {path}: {damage}: put the last good backup back")]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong, the first things.
        damage: String,
    },
    /// SQLite refused.
    #[error("store.sqlite: {path}: {error}")]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// Why.
        error: rusqlite::Error,
    },
}

/// Makes the file with mode 0600 if it is not there, checks who has access to it, and brings its
/// schema up to date. Returns the connection that writes.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    check_directory(path)?;
    create_or_check_file(path)?;
    let sqlite = |error| OpenError::Sqlite { path: path.into(), error };
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(sqlite)?;
    enable_write_ahead_log(&connection).map_err(sqlite)?;
    migrations::migrate(&mut connection, path)?;
    Ok(connection)
}

/// A connection that only reads.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    // Read-write at the file, since a reader of a write-ahead log writes to its index;
    // query_only keeps it from writing anything else.
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    // Each connection is used by one thread at a time: SQLite's own mutexes are not needed.
    // No URI names: a path is a path.
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    // A commit is on the disk before anybody hears of it.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Nothing in the file may run code of its own.
    connection.pragma_update(None, "trusted_schema", false)?;
    // What is deleted is overwritten where that costs no extra write.
    connection.pragma_update_and_check(None, "secure_delete", "FAST", |_| Ok(()))?;
    Ok(connection)
}

fn enable_write_ahead_log(connection: &Connection) -> rusqlite::Result<()> {
    // Switching needs the file alone for a moment, and SQLite does not wait for that with the
    // busy timeout when two processes open a new file at once.
    let mut tries = 0_u32;
    loop {
        let outcome =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match outcome {
            Ok(mode) if mode.eq_ignore_ascii_case("wal") => return Ok(()),
            Ok(mode) => {
                return Err(rusqlite::Error::ToSqlConversionFailure(
                    format!("this file system allows no write-ahead log (journal mode {mode})").into(),
                ));
            }
            Err(error) if is_busy(&error) && tries < 100 => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
    )
}

pub(crate) fn check_directory(path: &Path) -> Result<(), OpenError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let metadata =
        fs::metadata(directory).map_err(|error| OpenError::File { path: directory.into(), error })?;
    let mode = metadata.mode() & 0o7777;
    if mode & 0o002 != 0 {
        return Err(OpenError::DirectoryWorldWritable { path: directory.into(), mode });
    }
    Ok(())
}

fn create_or_check_file(path: &Path) -> Result<(), OpenError> {
    let file = |error| OpenError::File { path: path.into(), error };
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => check_file(path),
        Err(error) => Err(file(error)),
    }
}

/// Whether it is a file that nobody but its owner has access to.
pub(crate) fn check_file(path: &Path) -> Result<(), OpenError> {
    let file = |error| OpenError::File { path: path.into(), error };
    let metadata = fs::metadata(path).map_err(file)?;
    if !metadata.is_file() {
        return Err(OpenError::NotAFile { path: path.into() });
    }
    // SQLite gives -wal and -shm the mode of the database.
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(OpenError::FilePermissions { path: path.into(), mode });
    }
    Ok(())
}

//! Looks at a database without changing it: `postern check`.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use postern_kernel::store::StoredKey;
use rusqlite::{Connection, OpenFlags};

use crate::migrations;
use crate::open::{BUSY_TIMEOUT, OpenError, check_directory, check_file};
use crate::tables::{installation, keys};

/// Most defects that are named.
const MOST: usize = 5;

/// A database that this release can work with, as far as it can be seen.
pub struct CheckedStore {
    connection: Connection,
    /// The schema that it has.
    pub schema: u32,
    /// The schema that it gets when it is opened for work.
    pub schema_when_opened: u32,
}

impl CheckedStore {
    /// Reads the database at `path` from one end to the other. `None`: there is none yet.
    ///
    /// # Errors
    /// [`OpenError`]: whatever opening it for work would stumble over, and `store.file.damaged`.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, OpenError> {
        match fs::metadata(path) {
            // SQLite takes an empty file for a database without tables.
            Ok(metadata) if metadata.is_file() && metadata.size() == 0 => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            _ => {}
        }
        check_directory(path)?;
        check_file(path)?;
        let sqlite = |error| OpenError::Sqlite { path: path.into(), error };
        let connection = connect(path).map_err(sqlite)?;
        let (schema, schema_when_opened) = migrations::check(&connection, path)?;
        let damage = damage(&connection).map_err(sqlite)?;
        if !damage.is_empty() {
            return Err(OpenError::Damaged { path: path.into(), damage: damage.join("; ") });
        }
        Ok(Some(Self { connection, schema, schema_when_opened }))
    }

    /// All signing keys, sealed.
    ///
    /// # Errors
    /// When SQLite does not read them.
    pub fn keys(&self) -> Result<Vec<StoredKey>, OpenError> {
        keys::all(&self.connection).map_err(|error| self.failed(error))
    }

    /// A value of the installation.
    ///
    /// # Errors
    /// When SQLite does not read it.
    pub fn installation_value(&self, name: &str) -> Result<Option<Vec<u8>>, OpenError> {
        installation::get(&self.connection, name).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: rusqlite::Error) -> OpenError {
        OpenError::Sqlite { path: self.connection.path().unwrap_or_default().into(), error }
    }
}

/// A connection that writes neither to the database nor beside it. With a write-ahead log beside it,
/// somebody works with the database or was stopped amid it, and readers need the log's index: SQLite
/// makes that when it is not there. Without one, nobody does, and the file is all that there is.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let has_log = fs::metadata(log).is_ok();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if has_log {
        Connection::open_with_flags(path, flags)?
    } else {
        let name = format!("file:{}?immutable=1", escaped(path));
        Connection::open_with_flags(name, flags | OpenFlags::SQLITE_OPEN_URI)?
    };
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Nothing in the file may run code of its own.
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// A path within a URI: every byte but the plainest as `%XX`.
fn escaped(path: &Path) -> String {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt as _;
    let mut text = String::new();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(byte) {
            text.push(char::from(*byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// What is wrong with pages, indices and references.
fn damage(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut damage = Vec::new();
    let mut statement = connection.prepare(&format!("PRAGMA quick_check({MOST})"))?;
    for line in statement.query_map([], |row| row.get::<_, String>(0))? {
        let line = line?;
        if line != "ok" {
            damage.push(line);
        }
    }
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    for table in rows.take(MOST) {
        damage.push(format!("a row of {} refers to one that is not there", table?));
    }
    Ok(damage)
}

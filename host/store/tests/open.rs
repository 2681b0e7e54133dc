//! Who may open the database file, and several at once.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use postern_kernel::clock::Timestamp;
use postern_kernel::store::Store as _;
use postern_store::{OpenError, SqliteStore};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn all_files_are_the_owners_alone() {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("state.db");
    let store = SqliteStore::open(&path).unwrap();
    store.set_installation_value("a", b"b").await.unwrap();
    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        assert_eq!(mode(&files.path().join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_file_that_others_may_read_is_refused() {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("state.db");
    drop(SqliteStore::open(&path).unwrap());
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let refused = SqliteStore::open(&path).err().unwrap();
    assert!(matches!(refused, OpenError::FilePermissions { mode: 0o640, .. }), "{refused}");
    assert!(refused.to_string().contains("state.db has mode 0640"), "{refused}");
}

#[test]
fn a_directory_that_everybody_writes_to_is_refused() {
    let files = tempfile::tempdir().unwrap();
    for bits in [0o777, 0o1777] {
        fs::set_permissions(files.path(), Permissions::from_mode(bits)).unwrap();
        let refused = SqliteStore::open(&files.path().join("state.db")).err().unwrap();
        assert!(matches!(refused, OpenError::DirectoryWorldWritable { .. }), "{refused}");
    }
    assert!(fs::read_dir(files.path()).unwrap().next().is_none(), "nothing was made");
}

#[test]
fn what_is_no_database_of_ours_is_refused() {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("state.db");
    let directory = files.path().join("directory");
    fs::create_dir(&directory).unwrap();
    assert!(matches!(SqliteStore::open(&directory).err().unwrap(), OpenError::NotAFile { .. }));
    let missing = files.path().join("missing").join("state.db");
    assert!(matches!(SqliteStore::open(&missing).err().unwrap(), OpenError::File { .. }));
    fs::write(&path, "this is no database, but long enough to look like one".repeat(50)).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(SqliteStore::open(&path).err().unwrap(), OpenError::Sqlite { .. }));
}

#[test]
fn many_may_open_a_new_file_at_once() {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("state.db");
    std::thread::scope(|scope| {
        let openers: Vec<_> = (0..8).map(|_| scope.spawn(|| SqliteStore::open(&path))).collect();
        for opener in openers {
            let opened = opener.join().unwrap();
            assert!(opened.is_ok(), "{}", opened.err().unwrap());
        }
    });
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("state.db");
    let first = SqliteStore::open(&path).unwrap();
    assert!(first.remember("saml2", "_id", Timestamp(2_000), Timestamp(1_000)).await.unwrap());
    drop(first);
    assert!(!files.path().join("state.db-wal").exists(), "a store that ends leaves no log behind");
    let second = SqliteStore::open(&path).unwrap();
    assert!(!second.remember("saml2", "_id", Timestamp(2_000), Timestamp(1_001)).await.unwrap());
}

#[tokio::test]
async fn a_check_reads_all_and_leaves_all_as_it_is() {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("a state?#%.db");
    assert!(SqliteStore::check(&path).unwrap().is_none(), "there is none yet, and none is made");
    assert!(!path.exists());
    let store = SqliteStore::open(&path).unwrap();
    store.set_installation_value("a", b"b").await.unwrap();
    // While it is in use, what is in its log is seen.
    let checked = SqliteStore::check(&path).unwrap().unwrap();
    assert_eq!(checked.installation_value("a").unwrap().as_deref(), Some(b"b".as_slice()));
    assert_eq!((checked.schema, checked.keys().unwrap().len()), (checked.schema_when_opened, 0));
    drop(checked);
    store.set_installation_value("a", b"c").await.unwrap();
    drop(store);
    let before = (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap());
    let checked = SqliteStore::check(&path).unwrap().unwrap();
    assert_eq!(checked.installation_value("a").unwrap().as_deref(), Some(b"c".as_slice()));
    drop(checked);
    assert_eq!(before, (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap()));
    let names: Vec<_> = fs::read_dir(files.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["a state?#%.db"], "nothing is left beside it");
}

#[tokio::test]
async fn a_check_finds_what_opening_would_and_damage_too() {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("state.db");
    let store = SqliteStore::open(&path).unwrap();
    for number in 0..2_000 {
        store.remember("saml2", &format!("_{number:040}"), Timestamp(2_000), Timestamp(1_000)).await.unwrap();
    }
    drop(store);
    assert!(SqliteStore::check(&path).unwrap().is_some());

    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(SqliteStore::check(&path), Err(OpenError::FilePermissions { mode: 0o640, .. })));
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();

    // A page in the middle that is none.
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    let middle = bad.len() / 2 / 4_096 * 4_096;
    bad[middle..middle + 4_096].fill(0x5a);
    fs::write(&path, &bad).unwrap();
    let refused = SqliteStore::check(&path).err().unwrap();
    assert!(matches!(refused, OpenError::Damaged { .. } | OpenError::Sqlite { .. }), "{refused}");
    assert!(SqliteStore::open(&path).is_ok(), "which opening alone does not see");

    fs::write(&path, &good[..good.len() / 2]).unwrap();
    assert!(SqliteStore::check(&path).is_err(), "cut in half");
    fs::write(&path, "this is no database, but long enough to look like one".repeat(50)).unwrap();
    assert!(matches!(SqliteStore::check(&path), Err(OpenError::Sqlite { .. })));
    let directory = files.path().join("directory");
    fs::create_dir(&directory).unwrap();
    assert!(matches!(SqliteStore::check(&directory), Err(OpenError::NotAFile { .. })));
}

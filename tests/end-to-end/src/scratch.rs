//! Folders for what tests write.
use std::fs::{self, File};
use std::mem;
use std::path::{Path, PathBuf};

/// The named folder below `below` (a target's `CARGO_TARGET_TMPDIR`), made anew.
///
/// Another run in the same checkout waits until this process has ended.
pub fn folder(below: &str, name: &str) -> PathBuf {
    let below = Path::new(below);
    let lock = File::create(below.join(format!("{name}.lock"))).expect("a folder to write to");
    lock.lock().expect("a file system with locks");
    // Given back by the system when the process ends, however it ends.
    mem::forget(lock);
    let folder = below.join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder to write to");
    folder
}

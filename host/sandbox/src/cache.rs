//! Compiled modules, kept between starts.
//!
//! Reading one back runs it as native code: whoever can write these files can run code as this
//! process. So the directory must belong to the process's own user and be closed to all others,
//! and so must each file; that user can already do whatever this process can. A digest over the
//! content tells a file that was cut short or damaged from one that is whole.
//!
//! A file's name is a digest of the component, of the engine's version and settings, and of our
//! own version: after an upgrade of either, the old files are not found. They can be deleted at any
//! time.
#![allow(unsafe_code, reason = "Component::deserialize")]

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::hash::{Hash as _, Hasher};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Bytes of the digest that a file begins with.
const DIGEST: usize = 32;
/// Nobody but the owner.
const OTHERS: u32 = 0o077;

/// Why the directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It can't be made or read.
    #[error("sandbox.cache.unreadable: {path}: {error}")]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Somebody else could write compiled modules into it.
    #[error("sandbox.cache.unsafe: {path}: {problem}")]
    Unsafe {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// The directory of compiled modules.
#[derive(Debug)]
pub(crate) struct ModuleCache {
    directory: PathBuf,
    /// Of the engine and of this crate.
    versions: [u8; DIGEST],
}

/// The name of a file.
#[derive(Debug)]
pub(crate) struct Key([u8; DIGEST]);

impl ModuleCache {
    /// Makes the directory if need be, and checks that it is the process's own.
    pub(crate) fn open(directory: &Path, engine: &Engine) -> Result<Self, CacheError> {
        let unreadable = |error| CacheError::Unreadable { path: directory.into(), error };
        match DirBuilder::new().recursive(true).mode(0o700).create(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(unreadable(error)),
            _ => {}
        }
        let metadata = fs::symlink_metadata(directory).map_err(unreadable)?;
        let problem = if !metadata.is_dir() {
            "not a directory"
        } else if metadata.uid() != rustix::process::geteuid().as_raw() {
            "belongs to another user"
        } else if metadata.mode() & OTHERS != 0 {
            "others have access: set its mode to 0700"
        } else {
            return Ok(Self { directory: directory.into(), versions: versions(engine) });
        };
        Err(CacheError::Unsafe { path: directory.into(), problem })
    }

    pub(crate) fn key(&self, component: &[u8]) -> Key {
        let digest = Sha256::new().chain_update(self.versions).chain_update(Sha256::digest(component));
        Key(digest.finalize().into())
    }

    /// The compiled component, if there is a file of our own making that is whole.
    pub(crate) fn read(&self, engine: &Engine, key: &Key) -> Option<Component> {
        let path = self.path(key);
        let compiled = match self.read_own(&path, key) {
            Ok(compiled) => compiled,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "compiled module not used: compiling again");
                return None;
            }
        };
        match own(engine, &compiled) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "compiled module not used: compiling again");
                None
            }
        }
    }

    /// Keeps the compiled component. A failure costs time at the next start and nothing else.
    pub(crate) fn write(&self, key: &Key, compiled: &[u8]) {
        if let Err(error) = self.write_whole(key, compiled) {
            let directory = self.directory.display();
            tracing::warn!(%directory, %error, "compiled module not kept");
        }
    }

    fn read_own(&self, path: &Path, key: &Key) -> io::Result<Vec<u8>> {
        let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let mut file = OpenOptions::new().read(true).custom_flags(no_follow).open(path)?;
        // The open file is judged, not the name, which could mean another file by then.
        check_own(&file)?;
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        let Some((digest, compiled)) = content.split_at_checked(DIGEST) else {
            return Err(io::Error::other("cut short"));
        };
        if digest != integrity(key, compiled) {
            return Err(io::Error::other("damaged"));
        }
        content.drain(..DIGEST);
        Ok(content)
    }

    fn write_whole(&self, key: &Key, compiled: &[u8]) -> io::Result<()> {
        let path = self.path(key);
        // Another process may be writing the same: each writes its own file, the last rename wins.
        let unfinished = path.with_extension(format!("{}.unfinished", std::process::id()));
        let _ = fs::remove_file(&unfinished);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        let written = file
            .set_permissions(Permissions::from_mode(0o600))
            .and_then(|()| file.write_all(&integrity(key, compiled)))
            .and_then(|()| file.write_all(compiled))
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&unfinished, &path));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    fn path(&self, key: &Key) -> PathBuf {
        let name: String = key.0.iter().map(|byte| format!("{byte:02x}")).collect();
        self.directory.join(name).with_extension("cwasm")
    }
}

/// The component that the engine itself has compiled to these bytes.
pub(crate) fn own(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes are what `Engine::precompile_component` returned: either a moment ago in
    // this process, or read by `ModuleCache::read`, which takes only whole files (digest) from a
    // directory and with an owner and a mode that let nobody but this process's user write them.
    // wasmtime itself refuses those of another version or of other settings.
    unsafe { Component::deserialize(engine, compiled) }
}

fn check_own(file: &File) -> io::Result<()> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a file"));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("belongs to another user"));
    }
    if metadata.mode() & OTHERS != 0 {
        return Err(io::Error::other("others have access"));
    }
    Ok(())
}

fn integrity(key: &Key, compiled: &[u8]) -> [u8; DIGEST] {
    Sha256::new().chain_update(key.0).chain_update(compiled).finalize().into()
}

fn versions(engine: &Engine) -> [u8; DIGEST] {
    let mut digest = Digester(Sha256::new());
    env!("CARGO_PKG_VERSION").hash(&mut digest);
    engine.precompile_compatibility_hash().hash(&mut digest);
    digest.0.finalize().into()
}

/// Makes SHA-256 of what is hashed.
struct Digester(Sha256);

impl Hasher for Digester {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Not asked for: the digest is longer.
    fn finish(&self) -> u64 {
        0
    }
}

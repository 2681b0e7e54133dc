//! The master key: what all private keys are sealed under.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Length in bytes: AES-256.
const LENGTH: usize = 32;

/// Longest file in bytes that may hold one: 44 characters and white space around them.
const MAX_FILE: u64 = 256;

/// 256 bits that seal the private keys of an installation. In a file or an environment variable
/// it is written as base64 (44 characters, with padding).
pub struct MasterKey(Zeroizing<[u8; LENGTH]>);

impl core::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// Why there is no master key. Never quotes what it read.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file could not be read or written.
    #[error("keys.master.file: {path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Others than the owner have access to the file.
    #[error("keys.master.permissions: {path} has mode {mode:04o}: make it 0600 or 0400 (chmod 600)")]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is somebody else's.
    #[error("keys.master.owner: {path} belongs to user id {owner}, but this process runs as {us}")]
    Owner {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        us: u32,
    },
    /// Not the base64 of 32 bytes.
    #[error("keys.master.form: expected the base64 of {LENGTH} bytes (44 characters)")]
    Form,
    /// The system gave no randomness.
    #[error("keys.master.randomness: the system gave no random bytes")]
    Randomness,
}

impl MasterKey {
    /// Reads it from a file that nobody else may read: mode 0600 or 0400, owned by this process's user.
    ///
    /// # Errors
    /// [`MasterKeyError`] naming the file and its mode.
    pub fn from_file(path: &Path) -> Result<Self, MasterKeyError> {
        let wrong = |error| MasterKeyError::File { path: path.into(), error };
        // Opened first and asked then: what is checked is what is read.
        let file = File::open(path).map_err(wrong)?;
        let metadata = file.metadata().map_err(wrong)?;
        let mode = metadata.mode() & 0o7777;
        if !metadata.is_file() || !matches!(mode, 0o600 | 0o400) {
            return Err(MasterKeyError::Permissions { path: path.into(), mode });
        }
        let us = rustix::process::geteuid().as_raw();
        if metadata.uid() != us {
            return Err(MasterKeyError::Owner { path: path.into(), owner: metadata.uid(), us });
        }
        // Capacity for all of it: a buffer that grows leaves copies behind.
        let mut text = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize + 1));
        file.take(MAX_FILE + 1).read_to_end(&mut text).map_err(wrong)?;
        Self::from_base64(&text)
    }

    /// Reads it from the value of an environment variable. White space around it is no part of it.
    ///
    /// # Errors
    /// [`MasterKeyError::Form`] when it is not the base64 of 32 bytes.
    pub fn from_base64(text: &[u8]) -> Result<Self, MasterKeyError> {
        let text = text.trim_ascii();
        // The decoder may write to the end of its estimate, some bytes beyond the key.
        let mut bytes = Zeroizing::new([0; LENGTH + 4]);
        if text.len() != 44 {
            return Err(MasterKeyError::Form);
        }
        let length = STANDARD.decode_slice(text, bytes.as_mut_slice()).map_err(|_| MasterKeyError::Form)?;
        let decoded = bytes.get(..length).ok_or(MasterKeyError::Form)?;
        let mut key = Zeroizing::new([0; LENGTH]);
        if decoded.len() != LENGTH {
            return Err(MasterKeyError::Form);
        }
        key.copy_from_slice(decoded);
        Ok(Self(key))
    }

    /// Makes a new one and writes it to a new file of mode 0600. Never overwrites a file.
    ///
    /// # Errors
    /// [`MasterKeyError::File`], also when the file exists.
    pub fn create_file(path: &Path) -> Result<Self, MasterKeyError> {
        let wrong = |error| MasterKeyError::File { path: path.into(), error };
        let mut key = Zeroizing::new([0; LENGTH]);
        rand::fill(key.as_mut_slice()).map_err(|_| MasterKeyError::Randomness)?;
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(wrong)?;
        let mut text = Zeroizing::new(STANDARD.encode(key.as_slice()));
        text.push('\n');
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)?;
        Ok(Self(key))
    }

    pub(crate) fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_that_was_made_is_read_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let made = MasterKey::create_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(made.bytes(), MasterKey::from_file(&path).unwrap().bytes());
        assert!(MasterKey::create_file(&path).is_err());
        assert_eq!(made.bytes(), MasterKey::from_file(&path).unwrap().bytes());
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_with_its_mode() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        MasterKey::create_file(&path).unwrap();
        for mode in [0o644, 0o640, 0o604, 0o700, 0o620] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let refused = MasterKey::from_file(&path).unwrap_err().to_string();
            assert!(refused.contains("master.key") && refused.contains(&format!("{mode:04o}")), "{refused}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        MasterKey::from_file(&path).unwrap();
    }

    #[test]
    fn only_the_base64_of_32_bytes_is_read() {
        let text = STANDARD.encode([7; 32]);
        assert_eq!(MasterKey::from_base64(format!("{text}\n").as_bytes()).unwrap().bytes(), &[7; 32]);
        for bad in [
            String::new(),
            STANDARD.encode([7; 31]),
            STANDARD.encode([7; 33]),
            "!".repeat(44),
            text.replace('=', ""),
            format!("{text}{text}"),
        ] {
            let refused = MasterKey::from_base64(bad.as_bytes()).unwrap_err();
            assert!(matches!(refused, MasterKeyError::Form), "{bad}");
        }
        assert!(!format!("{:?}", MasterKey::from_base64(text.as_bytes()).unwrap()).contains('7'));
    }
}

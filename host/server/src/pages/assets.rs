//! Style sheet, logo, the script for passkeys, and what a theme adds. The name holds a digest of the content, so that
//! browsers may keep them for good.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::{ThemeError, theme_file};

/// Where they are served.
pub(crate) const PREFIX: &str = "/authenticationendpoint/assets/";

/// One file.
#[derive(Clone)]
pub(crate) struct Asset {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: bytes::Bytes,
    /// Whether the name holds a digest of the content.
    pub(crate) is_immutable: bool,
}

/// All files by path.
pub(crate) struct Assets {
    files: BTreeMap<String, Asset>,
    style: String,
    logo: String,
    passkey: String,
}

impl Assets {
    pub(super) fn new(theme: Option<&Path>) -> Result<Self, ThemeError> {
        let mut assets = Self {
            files: BTreeMap::new(),
            style: String::new(),
            logo: String::new(),
            passkey: String::new(),
        };
        // What a style sheet refers to keeps its name: the style sheet is written by hand.
        if let Some(folder) = theme.map(|theme| theme.join("assets")).filter(|folder| folder.is_dir()) {
            let entries = std::fs::read_dir(&folder).map_err(|error| ThemeError::Read(folder, error))?;
            for path in entries.flatten().map(|entry| entry.path()) {
                let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
                let Some(content_type) = content_type(name) else { continue };
                let bytes = std::fs::read(&path).map_err(|error| ThemeError::Read(path.clone(), error))?;
                let asset = Asset { content_type, bytes: bytes.into(), is_immutable: false };
                assets.files.insert(format!("{PREFIX}{name}"), asset);
            }
        }
        let style = theme_file(theme, "assets/postern.css")?
            .unwrap_or_else(|| include_bytes!("assets/postern.css").to_vec());
        let logo = theme_file(theme, "assets/logo.svg")?
            .unwrap_or_else(|| include_bytes!("assets/logo.svg").to_vec());
        assets.style = assets.add("postern", "css", "text/css; charset=utf-8", style);
        assets.logo = assets.add("logo", "svg", "image/svg+xml", logo);
        // No theme brings script.
        let passkey = include_bytes!("assets/passkey.js").to_vec();
        assets.passkey = assets.add("passkey", "js", "text/javascript; charset=utf-8", passkey);
        Ok(assets)
    }

    /// Path of the style sheet.
    pub(crate) fn style(&self) -> &str {
        &self.style
    }

    /// Path of the logo.
    pub(crate) fn logo(&self) -> &str {
        &self.logo
    }

    /// Path of the script for ceremonies with passkeys.
    pub(crate) fn passkey(&self) -> &str {
        &self.passkey
    }

    /// The file of a path.
    pub(crate) fn get(&self, path: &str) -> Option<&Asset> {
        self.files.get(path)
    }

    fn add(&mut self, name: &str, extension: &str, content_type: &'static str, bytes: Vec<u8>) -> String {
        let digest: String =
            Sha256::digest(&bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let path = format!("{PREFIX}{name}.{digest}.{extension}");
        self.files.insert(path.clone(), Asset { content_type, bytes: bytes.into(), is_immutable: true });
        path
    }
}

/// Kinds that a theme may bring. No script.
fn content_type(name: &str) -> Option<&'static str> {
    let safe = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    match name.rsplit_once('.')?.1 {
        _ if !safe || name.starts_with('.') => None,
        "css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "png" => Some("image/png"),
        "jpg" | "jpeg" => Some("image/jpeg"),
        "webp" => Some("image/webp"),
        "woff2" => Some("font/woff2"),
        _ => None,
    }
}

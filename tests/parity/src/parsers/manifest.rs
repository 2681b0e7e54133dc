//! Files of authenticators before they run: their manifest, and the schema of their settings.

use postern_manifest::{Manifest, Schema, find, with_manifest};

/// The bytes as a component, as a manifest, and as a schema.
///
/// # Panics
/// When a manifest does not come out as it went in, or an accepted one is not what it says.
pub fn manifest(bytes: &[u8]) {
    if let Ok(found) = find(bytes) {
        let packed = with_manifest(bytes, b"id");
        assert_eq!(packed.is_ok(), found.is_none(), "one manifest and no other");
        if let Ok(packed) = packed {
            assert_eq!(find(&packed), Ok(Some(b"id".as_slice())));
        }
    }
    if let Ok(manifest) = Manifest::read(bytes) {
        let is_name = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        assert!(manifest.id.bytes().all(is_name), "the name becomes a file's");
    }
    if let Some(schema) = std::str::from_utf8(bytes).ok().and_then(|text| Schema::read(text).ok()) {
        let settings = serde_json::json!({ "a": [1, "b", { "c": null }] });
        if let Err(error) = schema.judge(&settings) {
            assert!(!error.0.is_empty() && error.0.len() <= 16);
        }
    }
}

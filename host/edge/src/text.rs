//! YAML as text: every value of a caller goes in as a JSON string, which YAML reads the same.

use std::path::Path;

use crate::EdgeError;

/// A quoted YAML scalar.
pub(crate) fn quoted(text: &str) -> String {
    // A string always serialises.
    serde_json::Value::from(text).to_string()
}

/// A path as a quoted scalar.
pub(crate) fn path(field: &'static str, path: &Path) -> Result<String, EdgeError> {
    path.to_str().map(quoted).ok_or_else(|| EdgeError::Path { field, path: path.to_owned() })
}

/// The lines with that many spaces in front.
pub(crate) fn indented(spaces: usize, text: &str) -> String {
    let margin = " ".repeat(spaces);
    text.trim_end()
        .lines()
        .map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{margin}{line}\n") })
        .collect()
}

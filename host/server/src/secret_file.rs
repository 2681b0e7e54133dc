//! Secrets that the operator keeps in files.

use std::path::Path;

use zeroize::Zeroizing;

/// Bytes of a secret.
const MOST: usize = 1_024;

/// The first line of the file, which has no other.
///
/// # Errors
/// What is wrong with the file, which the message names.
pub(crate) fn read(file: &Path) -> Result<Zeroizing<String>, String> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = Zeroizing::new(std::fs::read(file).map_err(|error| named(&error))?);
    let text = std::str::from_utf8(&text).map_err(|_| named(&"is not UTF-8"))?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() || line.len() > MOST || line.chars().any(char::is_control) {
        return Err(named(&"must be one line with a secret"));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

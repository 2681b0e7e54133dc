//! Whether an Envoy is one without known path confusion.

use std::path::Path;
use std::process::Command;

use super::Failure;

/// Releases with the fixes for CVE-2026-73511, 73551 and 73553, by minor version. Later minors
/// have them from the start.
const FIXED: [(u32, u32); 4] = [(36, 10), (37, 6), (38, 4), (39, 1)];

/// Asks the program.
pub(super) fn require(program: &Path) -> Result<(), Failure> {
    let name = program.display();
    let output = Command::new(program)
        .arg("--version")
        .output()
        .map_err(|error| Failure::new(format!("{name} --version: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version =
        read(&text).ok_or_else(|| Failure::new(format!("{name} tells no version that can be read")))?;
    if is_fixed(version) {
        return Ok(());
    }
    let (major, minor, patch) = version;
    Err(Failure::new(format!(
        "{name} is Envoy {major}.{minor}.{patch}, which lets matrix parameters through (CVE-2026-73511, 73551, \
         73553): use 1.36.10, 1.37.6, 1.38.4, 1.39.1 or later"
    )))
}

/// `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`
fn read(text: &str) -> Option<(u32, u32, u32)> {
    let version = text.split("version:").nth(1)?.split('/').nth(1)?;
    let mut numbers = version.split(['.', '-']).map(str::parse::<u32>);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn is_fixed((major, minor, patch): (u32, u32, u32)) -> bool {
    if major != 1 {
        return major > 1;
    }
    match FIXED.iter().find(|(known, _)| *known == minor) {
        Some((_, first)) => patch >= *first,
        None => minor > 39,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_fixed, read};

    #[test]
    fn releases_with_known_holes_are_told() {
        assert_eq!(read("\nenvoy  version: abc/1.40.0/Clean/RELEASE/BoringSSL\n"), Some((1, 40, 0)));
        assert_eq!(read("envoy version: abc/1.41.0-dev/x"), Some((1, 41, 0)));
        assert_eq!(read("something else"), None);
        for good in [(1, 36, 10), (1, 37, 6), (1, 38, 9), (1, 39, 1), (1, 40, 0), (2, 0, 0)] {
            assert!(is_fixed(good), "{good:?}");
        }
        for bad in [(1, 35, 99), (1, 36, 9), (1, 37, 5), (1, 38, 3), (1, 39, 0), (0, 50, 0)] {
            assert!(!is_fixed(bad), "{bad:?}");
        }
    }
}

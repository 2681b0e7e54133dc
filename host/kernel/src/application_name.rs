//! Names of applications, as people read them on the pages where they sign in and agree.

/// Most characters.
const MAX: usize = 100;

/// Why a name is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// None, or more than 100 characters.
    Length,
    /// White space at an end, two in a row, or another one than the plain space.
    Space,
    /// A character that nobody sees, or that changes how others are seen: with these a name can be
    /// made to read like another one, or to swallow the words around it.
    Unseen(char),
}

impl core::fmt::Display for NameError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Length => write!(f, "application.name.length: expected 1 to {MAX} characters"),
            Self::Space => f.write_str(
                "application.name.space: expected single plain spaces, and none at the beginning and the end",
            ),
            Self::Unseen(character) => write!(
                f,
                "application.name.unseen: U+{:04X} is not seen, or changes how others are seen",
                u32::from(*character)
            ),
        }
    }
}

impl std::error::Error for NameError {}

/// A name for an application.
///
/// # Errors
/// [`NameError`] when people could not trust their eyes.
pub fn check_application_name(name: &str) -> Result<(), NameError> {
    if !(1..=MAX).contains(&name.chars().count()) {
        return Err(NameError::Length);
    }
    if let Some(unseen) = name.chars().find(|character| is_unseen(*character)) {
        return Err(NameError::Unseen(unseen));
    }
    let odd_space = |character: char| character.is_whitespace() && character != ' ';
    if name.trim() != name || name.contains("  ") || name.chars().any(odd_space) {
        return Err(NameError::Space);
    }
    Ok(())
}

/// Control characters, and what Unicode calls format characters, default-ignorable ones, fillers,
/// line and paragraph separators, private use and noncharacters (Unicode 16, UTS #39 section 3).
fn is_unseen(character: char) -> bool {
    let code = u32::from(character);
    character.is_control()
        || matches!(code,
            0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F
            | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x2800 | 0x3164
            | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB
            | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF
            | 0xE000..=0xF8FF | 0xF0000..=0x10FFFF)
        || code & 0xFFFE == 0xFFFE
        || (0xFDD0..=0xFDEF).contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_people_can_read_are_taken() {
        for name in
            ["Wiki", "Ärzte & Söhne (Test)", "https://sp.example.com/metadata", "図書館", "بوابة", "R&D 🚀"]
        {
            assert_eq!(check_application_name(name), Ok(()), "{name}");
        }
        assert_eq!(check_application_name(&"ä".repeat(MAX)), Ok(()));
    }

    #[test]
    fn names_that_deceive_are_refused() {
        for (name, error) in [
            ("", NameError::Length),
            (&*"a".repeat(MAX + 1), NameError::Length),
            (" Wiki", NameError::Space),
            ("Wiki ", NameError::Space),
            ("Wi  ki", NameError::Space),
            ("Wi\u{a0}ki", NameError::Space),
            ("Wi\u{3000}ki", NameError::Space),
            ("Wi\nki", NameError::Unseen('\n')),
            ("Wi\0ki", NameError::Unseen('\0')),
            ("Wi\u{85}ki", NameError::Unseen('\u{85}')),
            ("\u{202e}ikiW", NameError::Unseen('\u{202e}')),
            ("\u{2067}Wiki", NameError::Unseen('\u{2067}')),
            ("Wiki\u{200f}", NameError::Unseen('\u{200f}')),
            ("W\u{200b}iki", NameError::Unseen('\u{200b}')),
            ("Wi\u{ad}ki", NameError::Unseen('\u{ad}')),
            ("Wiki\u{2028}x", NameError::Unseen('\u{2028}')),
            ("\u{feff}Wiki", NameError::Unseen('\u{feff}')),
            ("Wiki\u{e0041}", NameError::Unseen('\u{e0041}')),
            ("\u{3164}", NameError::Unseen('\u{3164}')),
            ("\u{2800}", NameError::Unseen('\u{2800}')),
        ] {
            assert_eq!(check_application_name(name), Err(error), "{name:?}");
        }
        assert_eq!(
            check_application_name("\u{202e}x").unwrap_err().to_string(),
            "application.name.unseen: U+202E is not seen, or changes how others are seen"
        );
    }
}

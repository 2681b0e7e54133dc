//! A component's texts in a language, with their arguments in their places.

use super::{Text, Translation};

impl Text {
    /// `whole` with the arguments where it names them: `{name}`. Read once from left to right: what an
    /// argument brings along is not looked at again.
    pub fn filled(&self, whole: &str) -> String {
        let mut filled = String::new();
        let mut rest = whole;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let argument = after.split_once('}').and_then(|(name, after)| {
                let (_, value) = self.arguments.iter().find(|(known, _)| known == name)?;
                Some((value, after))
            });
            match argument {
                Some((value, after)) => {
                    filled.push_str(value);
                    rest = after;
                }
                None => {
                    filled.push('{');
                    rest = after;
                }
            }
        }
        filled.push_str(rest);
        filled
    }
}

/// The component's own text of the key. `de-AT` is served by `de`, and everybody else by English, which each
/// text is in.
pub fn translated<'t>(translations: &'t [Translation], language: &str, key: &str) -> Option<&'t str> {
    let primary = language.split('-').next().unwrap_or_default();
    let of = |language: &str| {
        let found = translations.iter().find(|one| one.key == key && one.language == language);
        found.map(|translation| translation.text.as_str())
    };
    [language, primary, "en"].into_iter().find_map(of)
}

//! Texts by language and key.

use std::collections::BTreeMap;
use std::path::Path;

use super::ThemeError;

const EMBEDDED: &[(&str, &str)] =
    &[("en", include_str!("messages/en.toml")), ("de", include_str!("messages/de.toml"))];

pub(super) struct Messages {
    texts: BTreeMap<String, BTreeMap<String, String>>,
    default_language: String,
}

impl Messages {
    /// The binary's own, with those of the theme in their place; a theme may add languages.
    pub(super) fn new(theme: Option<&Path>, default_language: &str) -> Result<Self, ThemeError> {
        let mut texts: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for (language, text) in EMBEDDED {
            let read = toml::from_str(text);
            let read = read.map_err(|error| ThemeError::Messages((*language).into(), error.to_string()))?;
            texts.insert((*language).into(), read);
        }
        if let Some(folder) = theme.map(|theme| theme.join("messages")).filter(|folder| folder.is_dir()) {
            let entries = std::fs::read_dir(&folder).map_err(|error| ThemeError::Read(folder, error))?;
            for path in entries.flatten().map(|entry| entry.path()) {
                let (Some(language), Some("toml")) = (
                    path.file_stem().and_then(|name| name.to_str()),
                    path.extension().and_then(|e| e.to_str()),
                ) else {
                    continue;
                };
                let text =
                    std::fs::read_to_string(&path).map_err(|error| ThemeError::Read(path.clone(), error))?;
                let read: BTreeMap<String, String> = toml::from_str(&text)
                    .map_err(|error| ThemeError::Messages(path.clone(), error.to_string()))?;
                texts.entry(language.into()).or_default().extend(read);
            }
        }
        if !texts.contains_key(default_language) {
            return Err(ThemeError::Language(default_language.into()));
        }
        Ok(Self { texts, default_language: default_language.into() })
    }

    pub(super) fn languages(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }

    pub(super) fn default_language(&self) -> &str {
        &self.default_language
    }

    /// The text in that language, or else the default language or English.
    pub(super) fn find(&self, language: &str, key: &str) -> Option<&str> {
        [language, &self.default_language, "en"]
            .into_iter()
            .find_map(|language| self.texts.get(language)?.get(key))
            .map(String::as_str)
    }

    /// The same; a key that nobody translated is its own text.
    pub(super) fn text<'m>(&'m self, language: &str, key: &'m str) -> &'m str {
        self.find(language, key).unwrap_or(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_text() {
        let messages = Messages::new(None, "en").unwrap();
        let keys = |language: &str| messages.texts[language].keys().collect::<Vec<_>>();
        assert_eq!(keys("de"), keys("en"));
    }

    #[test]
    fn a_theme_replaces_texts_and_adds_languages() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("messages")).unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join("messages").join(name), text).unwrap();
        };
        write("en.toml", "\"page.product\" = \"Example Ltd\"");
        write("fr.toml", "\"sign-in.title\" = \"Connexion\"");
        let messages = Messages::new(Some(folder.path()), "en").unwrap();
        assert_eq!(messages.text("en", "page.product"), "Example Ltd");
        assert_eq!(messages.text("fr", "sign-in.title"), "Connexion");
        assert_eq!(messages.text("fr", "sign-in.cancel"), "Cancel");
        assert_eq!(messages.text("fr", "no.such.key"), "no.such.key");
    }
}

//! Texts of components as the pages of an installation without a theme show them.

use postern_kernel::authenticator::{Text, Translation};

use super::ThemeError;
use super::messages::Messages;
use super::texts::Texts;

/// The binary's own messages.
pub(crate) struct Preview(Messages);

impl Preview {
    /// # Errors
    /// The binary's own messages can't be read.
    pub(crate) fn new() -> Result<Self, ThemeError> {
        Messages::new(None, "en").map(Self)
    }

    /// Whether the host has a text of that key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.find("en", key).is_some()
    }

    /// The text in that language.
    pub(crate) fn text(&self, language: &str, translations: &[Translation], text: &Text) -> String {
        Texts { messages: &self.0, language, translations }.text(text)
    }
}

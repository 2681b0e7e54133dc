//! Texts that a component names: its own, or else the host's.

use postern_kernel::authenticator::{Text, Translation, translated};

use super::messages::Messages;

pub(super) struct Texts<'t> {
    pub(super) messages: &'t Messages,
    pub(super) language: &'t str,
    pub(super) translations: &'t [Translation],
}

impl Texts<'_> {
    /// Whether the text is nothing but one argument: a value to be read, copied and printed as it is.
    pub(super) fn is_value(&self, text: &Text) -> bool {
        let whole = self.own(&text.key).unwrap_or_else(|| self.messages.text(self.language, &text.key));
        let name = whole.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        name.is_some_and(|name| text.arguments.iter().any(|(known, _)| known == name))
    }

    /// The text in the page's language, with its arguments in their places. Not yet HTML: the templates
    /// escape it.
    pub(super) fn text(&self, text: &Text) -> String {
        let found = self.own(&text.key).unwrap_or_else(|| self.messages.text(self.language, &text.key));
        text.filled(found)
    }

    fn own(&self, key: &str) -> Option<&str> {
        translated(self.translations, self.language, key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translation(language: &str, key: &str, text: &str) -> Translation {
        Translation { language: language.into(), key: key.into(), text: text.into() }
    }

    #[test]
    fn a_component_has_its_own_texts_and_those_of_the_host() {
        let messages = Messages::new(None, "en").unwrap();
        let own = [translation("en", "pin.ask", "Your {what}"), translation("de", "pin.ask", "Ihre {what}")];
        let of = |language, key: &str, arguments: &[(&str, &str)]| {
            let arguments = arguments.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            let text = Text { key: key.into(), arguments: arguments.collect() };
            Texts { messages: &messages, language, translations: &own }.text(&text)
        };
        assert_eq!(of("de", "pin.ask", &[("what", "PIN")]), "Ihre PIN");
        assert_eq!(of("de-AT", "pin.ask", &[("what", "PIN")]), "Ihre PIN");
        assert_eq!(of("fr", "pin.ask", &[("what", "PIN")]), "Your PIN");
        assert_eq!(of("de", "sign-in.username", &[]), "Benutzername");
        assert_eq!(of("en", "no.such.text", &[]), "no.such.text");
        assert_eq!(of("en", "pin.ask", &[]), "Your {what}");
        let own = [translation("en", "value", "{what}"), translation("en", "two", "{what}{what}")];
        let is_value = |key: &str, name: &str| {
            let text = Text { key: key.into(), arguments: vec![(name.into(), "<b>".into())] };
            Texts { messages: &messages, language: "en", translations: &own }.is_value(&text)
        };
        assert!(is_value("value", "what") && !is_value("two", "what") && !is_value("value", "other"));
        assert_eq!(of("en", "pin.ask", &[("what", "{what}")]), "Your {what}", "an argument is not looked at");
    }
}

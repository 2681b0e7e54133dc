//! Texts of a component: how the pages show them, and which are nobody's.

use std::collections::BTreeSet;

use postern_kernel::authenticator::{Challenge, Description, Element, Text};

use super::Failure;
use crate::pages::Preview;

/// How texts are shown in one language.
pub(super) struct Shown<'d> {
    preview: Preview,
    description: &'d Description,
    language: String,
}

impl<'d> Shown<'d> {
    pub(super) fn new(description: &'d Description, language: &str) -> Result<Self, Failure> {
        let preview = Preview::new().map_err(Failure::new)?;
        Ok(Self { preview, description, language: language.into() })
    }

    pub(super) fn text(&self, text: &Text) -> String {
        self.preview.text(&self.language, &self.description.translations, text)
    }

    /// Whether neither the component nor the host has it: people would see the key.
    fn is_nobodys(&self, text: &Text) -> bool {
        let own = self.description.translations.iter().any(|own| own.key == text.key);
        !own && !self.preview.has(&text.key)
    }

    /// Keys of a challenge that have no text.
    pub(super) fn nobodys(&self, challenge: &Challenge) -> Vec<String> {
        let mut texts = vec![&challenge.title, &challenge.submit];
        texts.extend(&challenge.error);
        for element in &challenge.elements {
            match element {
                Element::Field(field) => texts.push(&field.label),
                Element::Choice(choice) => {
                    texts.push(&choice.label);
                    texts.extend(choice.options.iter().map(|option| &option.label));
                }
                Element::QrCode(code) => texts.push(&code.label),
                Element::Waiting(waiting) => texts.push(&waiting.label),
                Element::Message(message) => {
                    texts.push(&message.body);
                    texts.extend(message.link.as_ref().map(|link| &link.label));
                }
                #[allow(
                    unreachable_patterns,
                    reason = "elements are added, and have a label of their own or none"
                )]
                _ => {}
            }
        }
        texts.into_iter().filter(|text| self.is_nobodys(text)).map(|text| text.key.clone()).collect()
    }
}

/// What is wrong with the texts of a description.
pub(super) fn problems(description: &Description) -> Result<Vec<String>, Failure> {
    let mut problems = Vec::new();
    let shown = Shown::new(description, "en")?;
    if shown.is_nobodys(&description.title) {
        problems.push(format!("texts: the title {:?} is in no translation", description.title.key));
    }
    let keys: BTreeSet<&str> = description.translations.iter().map(|own| own.key.as_str()).collect();
    for language in languages(description) {
        let has = |key: &&str| {
            description.translations.iter().any(|own| own.language == language && own.key == *key)
        };
        let missing: Vec<&str> = keys.iter().copied().filter(|key| !has(key)).collect();
        if !missing.is_empty() {
            problems.push(format!("texts: {language} lacks {}", missing.join(", ")));
        }
    }
    Ok(problems)
}

/// Languages of the component's own texts.
pub(super) fn languages(description: &Description) -> Vec<&str> {
    let languages: BTreeSet<&str> =
        description.translations.iter().map(|own| own.language.as_str()).collect();
    languages.into_iter().collect()
}

//! From text to sections, naming every problem instead of the first one.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::Problem;

/// A settings file as a whole.
pub trait SettingsFile: DeserializeOwned {
    /// Fields without a default, as dotted names: all that are missing are named at once.
    const REQUIRED: &'static [&'static str];

    /// Fields without a default in sections that may be left out: section, its fields.
    const REQUIRED_IN: &'static [(&'static str, &'static [&'static str])] = &[];
}

/// Where each field stands in the text.
pub struct Document<'t> {
    text: &'t str,
    table: DeTable<'t>,
}

/// Reads the text. Whoever checks further can ask the document where a field stands.
///
/// The second value is the file, or every problem found.
pub fn read<F: SettingsFile>(text: &str) -> (Document<'_>, Result<F, Vec<Problem>>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let document = Document { text, table: table.get_ref().clone() };
    if !errors.is_empty() {
        let problems = errors.iter().map(|error| document.problem(error)).collect();
        return (document, Err(problems));
    }
    let read = document.deserialize(table);
    (document, read)
}

impl Document<'_> {
    /// A problem of a field. It is placed where the field stands, or else its section.
    pub fn problem_of(&self, field: &str, message: impl Into<String>) -> Problem {
        let (line, column) = self.position(self.span(field).start);
        Problem { line, column, field: field.into(), message: message.into() }
    }

    /// Deserializes again and again, each time without the fields that were refused before.
    fn deserialize<F: SettingsFile>(&self, mut table: Spanned<DeTable<'_>>) -> Result<F, Vec<Problem>> {
        let mut problems = self.missing::<F>();
        let mut removed: Vec<String> = problems.iter().map(|problem| problem.field.clone()).collect();
        loop {
            let error = match F::deserialize(toml::de::Deserializer::from(table.clone())) {
                Ok(configuration) if problems.is_empty() => return Ok(configuration),
                Ok(_) => return Err(problems),
                Err(error) => error,
            };
            let mut problem = self.problem(&error);
            if let Some(missing) = missing_field(error.message()) {
                // A section's first missing field hides what else is wrong with other sections:
                // the section is left out from now on.
                // The span is that of the section's header, and none for the file as a whole.
                let section = match error.span() {
                    Some(span) => section_at(&self.table, &span).unwrap_or_default(),
                    None => String::new(),
                };
                let field = if section.is_empty() { missing.into() } else { format!("{section}.{missing}") };
                if !removed.contains(&field) {
                    problem.field.clone_from(&field);
                    problem.message = "is missing".into();
                    problems.push(problem);
                    removed.push(field);
                }
                if section.is_empty() || !remove(table.get_mut(), &section) {
                    return Err(problems);
                }
                removed.push(section);
                continue;
            }
            let field = problem.field.clone();
            problems.push(problem);
            if field.is_empty() || !remove(table.get_mut(), &field) {
                return Err(problems);
            }
            removed.push(field);
        }
    }

    /// Required fields that are not there.
    fn missing<F: SettingsFile>(&self) -> Vec<Problem> {
        let present = F::REQUIRED_IN.iter().filter(|(section, _)| self.table.contains_key(*section));
        F::REQUIRED
            .iter()
            .chain(present.flat_map(|(_, fields)| fields.iter()))
            .filter(|field| self.find(field).is_none())
            .map(|field| self.problem_of(field, "is missing"))
            .collect()
    }

    fn problem(&self, error: &toml::de::Error) -> Problem {
        let span = error.span().unwrap_or(0..0);
        let (line, column) = self.position(span.start);
        let field = field_at(&self.table, &span).unwrap_or_default();
        Problem { line, column, field, message: error.message().trim_end().replace('\n', ", ") }
    }

    fn find(&self, field: &str) -> Option<Range<usize>> {
        let mut table = &self.table;
        let mut names = field.split('.').peekable();
        while let Some(name) = names.next() {
            let (key, value) = table.get_key_value(name)?;
            if names.peek().is_none() {
                return Some(key.span());
            }
            table = value.get_ref().as_table()?;
        }
        None
    }

    /// Where the field stands, or the nearest section around it.
    fn span(&self, field: &str) -> Range<usize> {
        let mut name = field;
        loop {
            if let Some(span) = self.find(name) {
                return span;
            }
            match name.rsplit_once('.') {
                Some((section, _)) => name = section,
                None => return 0..0,
            }
        }
    }

    fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }
}

/// serde's own words for it; the test of `config` that leaves a field out would see a change.
fn missing_field(message: &str) -> Option<&str> {
    message.trim_end().strip_prefix("missing field `")?.strip_suffix('`')
}

/// The dotted name of the section whose own span this is.
fn section_at(table: &DeTable<'_>, span: &Range<usize>) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        let name: &str = key.get_ref();
        match value.get_ref() {
            DeValue::Table(_) if value.span() == *span => Some(name.into()),
            DeValue::Table(inner) => section_at(inner, span).map(|inner| format!("{name}.{inner}")),
            DeValue::Array(items) => items
                .iter()
                .position(|item| item.get_ref().is_table() && item.span() == *span)
                .map(|index| format!("{name}.{index}")),
            _ => None,
        }
    })
}

/// The dotted name of the innermost field around the span.
fn field_at(table: &DeTable<'_>, span: &Range<usize>) -> Option<String> {
    for (key, value) in table.iter() {
        let name: &str = key.get_ref();
        if encloses(&key.span(), span) {
            return Some(name.into());
        }
        match value.get_ref() {
            DeValue::Table(inner) => match field_at(inner, span) {
                Some(field) => return Some(format!("{name}.{field}")),
                // The span of a whole section is that of its header.
                None if value.span() == *span || encloses(&value.span(), span) => return Some(name.into()),
                None => {}
            },
            DeValue::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let inner = item.get_ref().as_table().and_then(|inner| field_at(inner, span));
                    if let Some(field) = inner {
                        return Some(format!("{name}.{index}.{field}"));
                    }
                    if encloses(&item.span(), span) {
                        return Some(format!("{name}.{index}"));
                    }
                }
                if encloses(&value.span(), span) {
                    return Some(name.into());
                }
            }
            _ if encloses(&value.span(), span) => return Some(name.into()),
            _ => {}
        }
    }
    None
}

fn encloses(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end && outer.start < outer.end
}

/// Takes a field away; of a list the whole list.
fn remove(table: &mut DeTable<'_>, field: &str) -> bool {
    match field.split_once('.') {
        None => table.remove(field).is_some(),
        Some((name, rest)) => match table.get_mut(name).map(Spanned::get_mut) {
            Some(DeValue::Table(inner)) => remove(inner, rest),
            Some(DeValue::Array(_)) => table.remove(name).is_some(),
            _ => false,
        },
    }
}

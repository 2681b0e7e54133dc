//! An identity provider's own sign-on flow that comes back to a path where messages arrive.
use postern_refusal::Refusal;
use serde::{Deserialize, Serialize};

use crate::Form;

/// Longest value of a parameter in a query, in bytes.
const MAX_VALUE: usize = 256;
/// Longest name, in bytes.
const MAX_NAME: usize = 64;
/// Most digits behind the beginning of a numbered name.
const MAX_DIGITS: usize = 6;

/// A request that goes on with a sign-on under way, and carries no message: WSO2 Identity Server
/// redirects to `/samlsso?sessionDataKey=…` after the sign-in; Shibboleth IdP has its login form at
/// `…/SAML2/Redirect/SSO?execution=e1s1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Continuation {
    /// The path, one of those that are judged.
    pub path: String,
    /// Parameters of its query by name. The first is always there, the others may be, each once; there
    /// are no others. Without any only a form goes on, which is posted without a query.
    #[serde(default)]
    pub parameters: Vec<String>,
    /// The form that is posted with that query. None: only GETs go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<ContinuationForm>,
}

/// The fields of such a form, by name. There are no others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContinuationForm {
    /// Each once at most. When the query has no parameters the first is always there: it tells the form
    /// from a message.
    pub fields: Vec<String>,
    /// Any number of times: a list of boxes that were ticked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repeated: Vec<String>,
    /// Beginnings of names that go on with one to six digits, each such name once: `consent_` for
    /// `consent_1`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub numbered: Vec<String>,
}

impl Continuation {
    /// A GET with these parameters.
    pub fn get(path: &str, parameters: &[&str]) -> Self {
        let parameters = parameters.iter().map(|name| (*name).to_owned()).collect();
        Self { path: path.to_owned(), parameters, form: None }
    }

    /// Whether a GET with this raw query (without question mark) goes on. Values are letters, digits,
    /// `-`, `.`, `_` and `~`, 256 at most: nothing that needs an escape, and so nothing with two
    /// readings. The first is not empty.
    pub fn is_get(&self, query: &[u8]) -> bool {
        let mut seen: Vec<&str> = Vec::new();
        for pair in query.split(|byte| *byte == b'&') {
            let mut parts = pair.splitn(2, |byte| *byte == b'=');
            let name = parts.next().unwrap_or_default();
            let Some(known) = self.parameters.iter().find(|known| known.as_bytes() == name) else {
                return false;
            };
            let value = parts.next().unwrap_or_default();
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
            let is_first = self.parameters.first() == Some(known);
            if seen.contains(&known.as_str())
                || value.len() > MAX_VALUE
                || (is_first && value.is_empty())
                || !value.iter().all(plain)
            {
                return false;
            }
            seen.push(known);
        }
        self.parameters.first().is_some_and(|first| seen.contains(&first.as_str()))
    }

    /// Whether a POST with this raw query may bring the form: [`Self::judge_form`] tells when its body
    /// is there. A message never comes by POST with such a query; without one it may.
    pub fn may_be_form(&self, query: &[u8]) -> bool {
        self.form.is_some() && if self.parameters.is_empty() { query.is_empty() } else { self.is_get(query) }
    }

    /// Whether a body that came without a query is the form and no message: its first field is in it.
    /// What cannot be read is none.
    pub fn is_form_by_itself(&self, body: &[u8]) -> bool {
        let first = self.form.as_ref().and_then(|form| form.fields.first());
        let (Some(first), true) = (first, self.parameters.is_empty()) else { return false };
        body.split(|byte| *byte == b'&').any(|pair| {
            pair.strip_prefix(first.as_bytes()).is_some_and(|rest| matches!(rest, [] | [b'=', ..]))
        })
    }

    /// Judges the form that came with this query: [`Self::judge_form`], and no field that stands in the query
    /// too. A server merges the two.
    ///
    /// # Errors
    /// Those of [`Self::judge_form`]; `form.duplicate`.
    pub fn judge_posted(&self, query: &[u8], body: &[u8]) -> Result<(), Refusal> {
        self.judge_form(body)?;
        disjoint(query, body)
    }

    /// Judges the body: known fields, and what a browser writes of a value, so that no reader finds a
    /// message in it. Values are not looked at beyond that: one of them is a password.
    ///
    /// # Errors
    /// `form.field.unknown`, `form.field.missing`, `form.field.escape`, and those of [`Form::parse`] and
    /// [`Form::without_duplicates`].
    pub fn judge_form(&self, body: &[u8]) -> Result<(), Refusal> {
        let none = ContinuationForm::default();
        let own = self.form.as_ref().unwrap_or(&none);
        let form = Form::parse(body)?;
        for field in form.parameters() {
            let name = field.name;
            if own.repeated.iter().any(|known| known == name) {
                check_escapes(name, field.raw)?;
                continue;
            }
            if !own.has(name) {
                return Err(Refusal::misbehaved("form.field.unknown")
                    .at(&shortened(name))
                    .expected("the fields of the sign-on form"));
            }
            form.single(name)?;
            check_escapes(name, field.raw)?;
        }
        let marker = own.fields.first().filter(|_| self.parameters.is_empty());
        if let Some(marker) = marker
            && form.single(marker)?.is_none()
        {
            return Err(Refusal::misbehaved("form.field.missing").at(marker).expected("a field"));
        }
        Ok(())
    }

    /// Whether its names are literal, none of them has a meaning to the protocol of the path (told in
    /// lower case), and something tells it from a message.
    pub fn is_sound(&self, has_meaning: impl Fn(&str) -> bool) -> bool {
        let none = ContinuationForm::default();
        let form = self.form.as_ref().unwrap_or(&none);
        let names = self.parameters.iter().chain(&form.fields).chain(&form.repeated).chain(&form.numbered);
        let literal = |name: &String| is_literal_name(name) && !has_meaning(&name.to_ascii_lowercase());
        names.into_iter().all(literal) && !(self.parameters.is_empty() && form.fields.is_empty())
    }
}

impl ContinuationForm {
    fn has(&self, name: &str) -> bool {
        let numbered = |beginning: &String| {
            name.strip_prefix(beginning.as_str()).is_some_and(|digits| {
                (1..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
            })
        };
        self.fields.iter().any(|known| known == name) || self.numbered.iter().any(numbered)
    }
}

/// Refuses a form with a parameter that stands in its query too, both read strictly.
///
/// # Errors
/// `form.duplicate`, and those of [`Form::parse`].
pub fn disjoint(query: &[u8], body: &[u8]) -> Result<(), Refusal> {
    let (query, body) = (Form::parse(query)?, Form::parse(body)?);
    let is_in_query = |name: &str| query.parameters().iter().any(|parameter| parameter.name == name);
    match body.parameters().iter().find(|field| is_in_query(field.name)) {
        None => Ok(()),
        Some(field) => Err(Refusal::misbehaved("form.duplicate")
            .at(&shortened(field.name))
            .expected("the parameter once, in the query or in the form")),
    }
}

/// What a browser leaves as it is in a form (URL Standard, application/x-www-form-urlencoded percent-
/// encode set), and `~`.
fn check_escapes(name: &str, raw: &str) -> Result<(), Refusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*-._~+%".contains(&byte);
    if raw.bytes().all(plain) {
        return Ok(());
    }
    Err(Refusal::misbehaved("form.field.escape").at(name).expected("a value as browsers escape it"))
}

/// Whether it is a name that is written in one way: letters, digits, `-`, `.` and `_`.
pub(crate) fn is_literal_name(name: &str) -> bool {
    let literal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(literal)
}

/// A name out of a form that may hold a password: what follows a missing `=` could be one.
fn shortened(name: &str) -> String {
    name.chars().take(MAX_NAME).take_while(|c| c.is_ascii_alphanumeric() || "-._".contains(*c)).collect()
}

#[cfg(test)]
#[path = "continuation_tests.rs"]
mod tests;

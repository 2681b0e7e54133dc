//! Parameters by name: present means present once and not empty (RFC 6749 section 3.1).

use postern_form::Form;
use postern_refusal::Refusal;

/// The value, or none. A parameter without a value counts as left out.
pub(crate) fn optional<'a>(
    form: &'a Form<'_>,
    name: &'static str,
    max: usize,
) -> Result<Option<&'a str>, Refusal> {
    let value =
        form.single(name)?.map(|parameter| parameter.value.as_str()).filter(|value| !value.is_empty());
    match value {
        Some(value) if value.len() > max => Err(Refusal::misbehaved("oauth.parameter.too-long")
            .at(name)
            .expected(&format!("{max} bytes at most"))
            .found(&format!("{} bytes", value.len()))),
        Some(value) if value.chars().any(char::is_control) => {
            Err(Refusal::misbehaved("oauth.parameter.control-character").at(name).expected("plain text"))
        }
        value => Ok(value),
    }
}

/// The value, which has to be there.
pub(crate) fn required<'a>(form: &'a Form<'_>, name: &'static str, max: usize) -> Result<&'a str, Refusal> {
    optional(form, name, max)?.ok_or_else(|| {
        Refusal::misbehaved("oauth.parameter.missing").at(name).expected("the parameter with a value")
    })
}

//! Parameters of a request (section 13.1 and 13.2), read once.
use postern_form::{Form, Parameter, Standing};
use postern_refusal::Refusal;

use crate::Policy;

/// What the specification has and nobody here takes. `wres` is a legacy of version 1.0, `wp` and
/// `wresultptr` make the receiver fetch a URL, `wencoding` gives the XML a second form, the others
/// belong to attribute and pseudonym services.
const NOT_TAKEN: [&str; 9] =
    ["wres", "wp", "wencoding", "wfed", "wresultptr", "wattr", "wattrptr", "wpseudo", "wpseudoptr"];
/// All others that it has.
const TAKEN: [&str; 11] =
    ["wa", "wtrealm", "wreply", "wctx", "wct", "wfresh", "wauth", "whr", "wreq", "wreqptr", "wresult"];
/// Longest parameter that passes without a meaning, in bytes.
const MAX_IGNORED: usize = 256;

/// The parameters of one request: each known, and there once.
pub(crate) struct Parameters<'a> {
    form: Form<'a>,
}

impl<'a> Parameters<'a> {
    /// Reads a query or a body.
    pub(crate) fn read(encoded: &'a [u8], policy: &Policy) -> Result<Self, Refusal> {
        let form = Form::parse(encoded)?.without_duplicates()?;
        for parameter in form.parameters() {
            check(parameter, policy)?;
        }
        Ok(Self { form })
    }

    /// The value, decoded.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.form.parameters().iter().find(|parameter| parameter.name == name).map(|p| p.value.as_str())
    }

    /// Refuses what the action does not have.
    pub(crate) fn only(&self, action: &str, known: &[&str]) -> Result<(), Refusal> {
        let unexpected = |name: &&str| TAKEN.contains(name) && !known.contains(name);
        match self.form.parameters().iter().map(|parameter| parameter.name).find(unexpected) {
            Some(name) => Err(Refusal::misbehaved("wsfed.parameter.unexpected")
                .at(name)
                .expected(&format!("the parameters of {action}"))),
            None => Ok(()),
        }
    }

    /// `wctx`: opaque, to be returned unchanged.
    pub(crate) fn context(&self, policy: &Policy) -> Result<Option<String>, Refusal> {
        let Some(context) = self.value("wctx") else { return Ok(None) };
        let most = policy.limits.max_context;
        if context.len() > most {
            return Err(Refusal::misbehaved("wsfed.context.too-long")
                .at("wctx")
                .expected(&format!("{most} bytes at most"))
                .found(&context.len().to_string()));
        }
        // It comes back in a form, and in logs on the way.
        if context.chars().any(char::is_control) {
            return Err(Refusal::misbehaved("wsfed.context.control")
                .at("wctx")
                .expected("no control characters"));
        }
        Ok(Some(context.to_owned()))
    }
}

/// Whether it may be there at all.
fn check(parameter: &Parameter<'_>, policy: &Policy) -> Result<(), Refusal> {
    let (name, value) = (parameter.name, &parameter.value);
    if TAKEN.contains(&name) {
        // An empty context is a context, every other empty value is a mistake.
        if value.is_empty() && name != "wctx" {
            return Err(Refusal::misbehaved("wsfed.parameter.empty").at(name).expected("a value"));
        }
        return Ok(());
    }
    if NOT_TAKEN.contains(&name) {
        return Err(Refusal::incompatible("wsfed.parameter.unsupported")
            .at(name)
            .expected("a request without it"));
    }
    match policy.companions.standing(name, value) {
        Standing::Accepted => return Ok(()),
        Standing::WrongValue => {
            return Err(Refusal::misbehaved("wsfed.parameter.value")
                .at(name)
                .expected("a value on the operator's list")
                .found(value));
        }
        Standing::Unknown => {}
    }
    if !policy.ignored_parameters.iter().any(|ignored| ignored == name) {
        return Err(Refusal::misbehaved("wsfed.parameter.unknown")
            .at(name)
            .expected("parameters of WS-Federation"));
    }
    if value.len() > MAX_IGNORED {
        return Err(Refusal::misbehaved("wsfed.parameter.too-long")
            .at(name)
            .expected("256 bytes at most")
            .found(&value.len().to_string()));
    }
    Ok(())
}

/// Whether a parameter of that name, in lower case, has a meaning in WS-Federation or SAML.
pub fn has_meaning(name: &str) -> bool {
    let known = |known: &&str| known.eq_ignore_ascii_case(name);
    TAKEN.iter().any(known) || NOT_TAKEN.iter().any(known) || name.starts_with("saml")
}

/// Whether a parameter of that name may be ignored: a literal name that has no meaning here.
pub(crate) fn may_be_ignored(name: &str) -> bool {
    let literal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(literal) && !has_meaning(&name.to_ascii_lowercase())
}

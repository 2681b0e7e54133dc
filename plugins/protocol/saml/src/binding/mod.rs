//! HTTP-Redirect and HTTP-POST (SAML bindings sections 3.4 and 3.5).

mod inflate;
mod lines;
mod post;
mod redirect;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use postern_form::{Companions, Form, Parameter, Standing};
use postern_refusal::Refusal;

pub(crate) use post::{read_post, read_posted_response};
pub(crate) use redirect::{Detached, read_redirect};

use crate::{MessageLimits, Policy};

/// A message taken out of its binding.
pub(crate) struct Carried {
    /// The parameter that it came in: `SAMLRequest` or `SAMLResponse`.
    pub(crate) parameter: &'static str,
    /// The message as XML text.
    pub(crate) xml: Vec<u8>,
    /// Which of its issuer's registrations it is for ([`crate::IssuerQualifier`]).
    pub(crate) qualifier: Option<String>,
    /// RelayState as it came.
    pub(crate) relay_state: Option<String>,
    /// Whether it came by the Redirect binding.
    pub(crate) by_redirect: bool,
    /// The detached signature of the Redirect binding.
    pub(crate) detached: Option<Detached>,
}

/// The parameter that carries the message. Refuses any parameter that stands there twice, and an
/// answer where none is taken.
pub(crate) fn message_parameter(form: &Form<'_>, takes_answers: bool) -> Result<&'static str, Refusal> {
    for parameter in form.parameters() {
        form.single(parameter.name)?;
    }
    let refuse = |code| Err(Refusal::misbehaved(code).at("SAMLResponse").expected("SAMLRequest alone"));
    match (form.single("SAMLRequest")?.is_some(), form.single("SAMLResponse")?.is_some()) {
        (true, true) => refuse("saml.request.with-response"),
        (false, true) if takes_answers => Ok("SAMLResponse"),
        (false, true) => refuse("saml.response.unsolicited"),
        _ => Ok("SAMLRequest"),
    }
}

/// Refuses parameters that the binding doesn't know and that may not stand beside it.
pub(crate) fn check_names(form: &Form<'_>, known: &[&str], companions: &Companions) -> Result<(), Refusal> {
    for parameter in form.parameters().iter().filter(|parameter| !known.contains(&parameter.name)) {
        match companions.standing(parameter.name, &parameter.value) {
            Standing::Accepted => {}
            Standing::WrongValue => {
                return Err(Refusal::misbehaved("saml.parameter.value")
                    .at(parameter.name)
                    .expected("a value on the operator's list")
                    .found(&parameter.value));
            }
            Standing::Unknown => {
                return Err(Refusal::misbehaved("saml.parameter.unknown")
                    .at(parameter.name)
                    .expected(&known.join(", ")));
            }
        }
    }
    Ok(())
}

/// The query of a POST: empty, or what may stand beside the message and does not stand in its form too.
/// Tells the issuer's qualifier in it.
pub(crate) fn check_post_query(
    query: &[u8],
    body: &[u8],
    policy: &Policy,
) -> Result<Option<String>, Refusal> {
    if query.is_empty() {
        return Ok(None);
    }
    let Policy { companions, issuer_qualifier, .. } = policy;
    let qualifying: Vec<&str> = issuer_qualifier.iter().map(|own| own.parameter.as_str()).collect();
    let beside = Form::parse(query)?.without_duplicates()?;
    let is_companion = |parameter: &Parameter<'_>| {
        qualifying.contains(&parameter.name)
            || companions.standing(parameter.name, &parameter.value) != Standing::Unknown
    };
    if !beside.parameters().iter().all(is_companion) {
        return Err(Refusal::misbehaved("saml.post.query").at("query").expected("none with a POST"));
    }
    check_names(&beside, &qualifying, companions)?;
    let form = Form::parse(body)?;
    for parameter in beside.parameters() {
        if form.single(parameter.name)?.is_some() {
            return Err(Refusal::misbehaved("form.duplicate")
                .at(parameter.name)
                .expected("the parameter once, in the query or in the form"));
        }
    }
    qualifier(&beside, policy)
}

/// Checks the names that may stand beside a message, and tells the issuer's qualifier.
pub(crate) fn check_beside(
    form: &Form<'_>,
    known: &[&str],
    policy: &Policy,
) -> Result<Option<String>, Refusal> {
    let qualifying = policy.issuer_qualifier.iter().map(|own| own.parameter.as_str());
    let known: Vec<&str> = known.iter().copied().chain(qualifying).collect();
    check_names(form, &known, &policy.companions)?;
    qualifier(form, policy)
}

fn qualifier(form: &Form<'_>, policy: &Policy) -> Result<Option<String>, Refusal> {
    policy.issuer_qualifier.as_ref().map_or(Ok(None), |own| own.of(form))
}

fn required<'f, 'a>(form: &'f Form<'a>, name: &str) -> Result<&'f Parameter<'a>, Refusal> {
    form.single(name)?
        .filter(|parameter| !parameter.value.is_empty())
        .ok_or_else(|| Refusal::misbehaved("saml.request.missing").at(name).expected("a message"))
}

pub(crate) fn relay_state(form: &Form<'_>, limits: &MessageLimits) -> Result<Option<String>, Refusal> {
    let Some(parameter) = form.single("RelayState")? else { return Ok(None) };
    if parameter.value.len() > limits.max_relay_state {
        return Err(Refusal::misbehaved("saml.relay-state.too-long")
            .at("RelayState")
            .expected(&format!("{} bytes at most", limits.max_relay_state))
            .found(&parameter.value.len().to_string()));
    }
    Ok(Some(parameter.value.clone()))
}

/// Base64 without white space, with padding, and with nothing in the unused bits.
fn base64(name: &str, value: &str) -> Result<Vec<u8>, Refusal> {
    BASE64_STANDARD
        .decode(value)
        .map_err(|error| broken_base64(name).expected("base64 without white space").found(&error.to_string()))
}

fn broken_base64(name: &str) -> Refusal {
    Refusal::misbehaved("saml.base64.broken").at(name)
}

fn too_large(what: &str, most: usize, found: usize) -> Refusal {
    Refusal::misbehaved("saml.message.too-large")
        .at(what)
        .expected(&format!("{most} bytes at most"))
        .found(&found.to_string())
}

use postern_form::{Companions, Form};
use postern_refusal::Refusal;

use super::inflate::inflate;
use super::lines::joined;
use super::{
    Carried, base64, broken_base64, check_beside, check_names, check_post_query, message_parameter,
    relay_state, required, too_large,
};
use crate::{MessageLimits, Policy};

/// Takes a request out of a form body (SAML bindings section 3.5.4), with the query that it came with.
pub(crate) fn read_post(query: &[u8], body: &[u8], policy: &Policy) -> Result<Carried, Refusal> {
    let form = bounded(body, &policy.limits)?;
    let in_query = check_post_query(query, body, policy)?;
    let parameter = message_parameter(&form, policy.single_logout)?;
    let in_form = check_beside(&form, &[parameter, "RelayState"], policy)?;
    // It is in one of them at most.
    let qualifier = in_query.or(in_form);
    Ok(Carried { qualifier, ..message(&form, parameter, &policy.limits)? })
}

/// Takes the answer of an identity provider out of a form body.
pub(crate) fn read_posted_response(body: &[u8], limits: &MessageLimits) -> Result<Carried, Refusal> {
    let form = bounded(body, limits)?.without_duplicates()?;
    check_names(&form, &["SAMLResponse", "RelayState"], &Companions::default())?;
    message(&form, "SAMLResponse", limits)
}

fn bounded<'b>(body: &'b [u8], limits: &MessageLimits) -> Result<Form<'b>, Refusal> {
    if body.len() > limits.max_body {
        return Err(too_large("body", limits.max_body, body.len()));
    }
    Form::parse(body)
}

fn message(form: &Form<'_>, parameter: &'static str, limits: &MessageLimits) -> Result<Carried, Refusal> {
    let value = joined(&required(form, parameter)?.value).ok_or_else(|| {
        broken_base64(parameter)
            .expected("base64 in one piece, or in lines of one length from 64 to 76 characters")
    })?;
    let xml = base64(parameter, &value)?;
    // A habit of some toolkits, against section 3.5.4: worth a reason of its own.
    if core::str::from_utf8(&xml).is_err() && inflate(&xml, limits).is_ok() {
        return Err(Refusal::incompatible("saml.post.deflated")
            .at(parameter)
            .expected("base64 of the message itself: deflate belongs to the Redirect binding"));
    }
    Ok(Carried {
        parameter,
        xml,
        qualifier: None,
        relay_state: relay_state(form, limits)?,
        by_redirect: false,
        detached: None,
    })
}

use postern_form::Form;
use postern_refusal::Refusal;

use super::inflate::inflate;
use super::{Carried, base64, check_beside, message_parameter, relay_state, required};
use crate::Policy;
use crate::names::DEFLATE;

/// The signature over a query string (SAML bindings section 3.4.4.1).
pub(crate) struct Detached {
    /// SigAlg, decoded.
    pub(crate) method: String,
    /// The octets that are signed: the parameters in the specification's order, each with its
    /// value as it was received.
    pub(crate) covered: Vec<u8>,
    /// The signature.
    pub(crate) signature: Vec<u8>,
}

/// Takes a request out of a query string. The caller has bounded its length.
pub(crate) fn read_redirect(form: &Form<'_>, policy: &Policy) -> Result<Carried, Refusal> {
    let limits = &policy.limits;
    let parameter = message_parameter(form, policy.single_logout)?;
    let known = [parameter, "RelayState", "SigAlg", "Signature", "SAMLEncoding"];
    let qualifier = check_beside(form, &known, policy)?;
    if let Some(encoding) = form.single("SAMLEncoding")?
        && encoding.value != DEFLATE
    {
        return Err(Refusal::incompatible("saml.encoding.unsupported")
            .at("SAMLEncoding")
            .expected(DEFLATE)
            .found(&encoding.value));
    }
    let deflated = base64(parameter, &required(form, parameter)?.value)?;
    let xml = inflate(&deflated, limits)?;
    Ok(Carried {
        parameter,
        xml,
        qualifier,
        relay_state: relay_state(form, limits)?,
        by_redirect: true,
        detached: detached(form, parameter)?,
    })
}

fn detached(form: &Form<'_>, message: &str) -> Result<Option<Detached>, Refusal> {
    let (method, signature) = match (form.single("SigAlg")?, form.single("Signature")?) {
        (None, None) => return Ok(None),
        (Some(method), Some(signature)) => (method, signature),
        _ => {
            return Err(Refusal::misbehaved("saml.signature.incomplete")
                .at("Signature")
                .expected("SigAlg and Signature together"));
        }
    };
    let mut covered = String::new();
    for name in [message, "RelayState", "SigAlg"] {
        if let Some(parameter) = form.single(name)? {
            if !covered.is_empty() {
                covered.push('&');
            }
            covered.push_str(name);
            covered.push('=');
            covered.push_str(parameter.raw);
        }
    }
    Ok(Some(Detached {
        method: method.value.clone(),
        covered: covered.into_bytes(),
        signature: base64("Signature", &signature.value)?,
    }))
}

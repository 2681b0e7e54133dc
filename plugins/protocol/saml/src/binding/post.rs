use postern_form::Form;
use postern_refusal::Refusal;

use super::{Carried, base64, check_names, relay_state, required, too_large};
use crate::MessageLimits;

/// Takes a request out of a form body (SAML bindings section 3.5.4).
pub(crate) fn read_post(body: &[u8], limits: &MessageLimits) -> Result<Carried, Refusal> {
    if body.len() > limits.max_body {
        return Err(too_large("body", limits.max_body, body.len()));
    }
    let form = Form::parse(body)?;
    check_names(&form, &["SAMLRequest", "RelayState"])?;
    let xml = base64("SAMLRequest", &required(&form, "SAMLRequest")?.value)?;
    Ok(Carried { xml, relay_state: relay_state(&form, limits)?, detached: None })
}

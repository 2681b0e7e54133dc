//! Registration of a relying party: from its metadata, from JSON, or from both.
use postern_refusal::Refusal;
use postern_saml::read_registration;

use crate::bindings::exports::postern::idp::protocol::Registration;
use crate::bindings::postern::idp::kernel;

pub(crate) fn register(source: &[u8]) -> Result<Registration, Refusal> {
    let (party, name) = read_registration(source, kernel::now())?;
    let settings =
        serde_json::to_string(&party).map_err(|_| Refusal::internal("saml.registration.malformed"))?;
    Ok(Registration { identifier: party.entity_id, name, settings, needs_secret: false })
}

//! Registration of a relying party: from its metadata, or from JSON.
use postern_refusal::Refusal;
use postern_saml::{RelyingParty, read_sp_metadata};

use crate::bindings::exports::postern::idp::protocol::Registration;
use crate::bindings::postern::idp::kernel;

/// JSON begins with a brace, metadata does not.
pub(crate) fn register(source: &[u8]) -> Result<Registration, Refusal> {
    let is_json = source.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let (party, name) = if is_json {
        (RelyingParty::from_json(source)?, None)
    } else {
        read_sp_metadata(source, kernel::now())?
    };
    let settings =
        serde_json::to_string(&party).map_err(|_| Refusal::internal("saml.registration.malformed"))?;
    Ok(Registration { identifier: party.entity_id, name, settings, needs_secret: false })
}

//! Registration of a client from JSON (RFC 7591 names).

use crate::bindings::protocol::Registration;
use crate::issue::unwritable;
use postern_refusal::Refusal;

pub(crate) fn register(source: &[u8]) -> Result<Registration, Refusal> {
    let registration = postern_oauth::Registration::read(source)?;
    Ok(Registration {
        identifier: registration.client_id.clone(),
        name: registration.client_name.clone(),
        settings: serde_json::to_string(&registration).map_err(|_| unwritable())?,
        needs_secret: registration.needs_secret(),
    })
}

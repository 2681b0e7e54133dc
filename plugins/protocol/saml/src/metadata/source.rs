use postern_refusal::Refusal;
use serde_json::{Map, Value};

use super::read_sp_metadata;
use crate::RelyingParty;

/// Reads what an operator hands in to register a relying party: its metadata, a registration as
/// JSON, or JSON with the member `metadata` (the XML as a string) and members of a registration
/// that take the place of what the metadata says. Answers with the registration and a name, when
/// the source has one.
///
/// # Errors
/// Those of [`read_sp_metadata`] and [`RelyingParty::from_json`].
pub fn read_registration(source: &[u8], now: u64) -> Result<(RelyingParty, Option<String>), Refusal> {
    // JSON begins with a brace, metadata does not.
    if source.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return read_sp_metadata(source, now);
    }
    let mut members = object(source)?;
    let Some(metadata) = members.remove("metadata") else {
        return Ok((RelyingParty::from_json(source)?, None));
    };
    let text = metadata.as_str().ok_or_else(|| malformed("metadata as a string"))?;
    let (party, name) = read_sp_metadata(text.as_bytes(), now)?;
    let mut whole = serde_json::to_value(&party)
        .ok()
        .and_then(|value| value.as_object().cloned())
        .ok_or_else(|| malformed("a registration"))?;
    whole.extend(members);
    let json = serde_json::to_vec(&whole).map_err(|_| malformed("a registration"))?;
    Ok((RelyingParty::from_json(&json)?, name))
}

fn object(source: &[u8]) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_slice(source).map_err(|error| malformed("a JSON object").found(&error.to_string()))
}

fn malformed(expected: &str) -> Refusal {
    Refusal::configuration("saml.registration.malformed").with_status(400).expected(expected)
}

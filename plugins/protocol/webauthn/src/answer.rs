//! The browser's answer as the page sends it: section 5.1 in JSON, with exactly the members that the
//! host's script writes.

use alloc::string::String;

use postern_refusal::Refusal;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::MAX_CREDENTIAL_ID;
use crate::bytes::{Base64Url, object};

/// Most bytes of the JSON.
const SIZE: usize = 24 << 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublicKeyCredential<R> {
    pub(crate) id: Base64Url,
    #[serde(rename = "type")]
    kind: String,
    pub(crate) response: R,
}

/// # Errors
/// `webauthn.answer.malformed`.
pub(crate) fn read<R: DeserializeOwned>(json: &str) -> Result<PublicKeyCredential<R>, Refusal> {
    let refused = || Refusal::misbehaved("webauthn.answer.malformed").at("PublicKeyCredential");
    if json.len() > SIZE {
        return Err(refused().expected("24 KiB at most"));
    }
    let answer: PublicKeyCredential<R> =
        object(json.as_bytes()).map_err(|error| refused().found(&alloc::format!("{error}")))?;
    if answer.kind != "public-key" || answer.id.0.is_empty() || answer.id.0.len() > MAX_CREDENTIAL_ID {
        return Err(refused().expected("type public-key and an id"));
    }
    Ok(answer)
}

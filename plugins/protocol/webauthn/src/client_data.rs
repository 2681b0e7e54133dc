//! clientDataJSON: what the browser says the ceremony was about. Section 5.8.1.

use alloc::string::String;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_refusal::Refusal;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::bytes;
use crate::expected::Expected;

/// Most bytes: that of browsers is some 150.
const SIZE: usize = 4 << 10;

/// The two types of section 5.8.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ceremony {
    Create,
    Get,
}

/// Members that section 5.8.1 does not name are left alone: browsers add some.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    ceremony: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    top_origin: Option<String>,
    token_binding: Option<TokenBinding>,
}

#[derive(Deserialize)]
struct TokenBinding {
    status: String,
}

/// Sections 7.1 and 7.2, from the parsing of JSON to the hash over it.
///
/// # Errors
/// `webauthn.client-data.malformed`, `webauthn.client-data.type`, `webauthn.challenge.mismatch`,
/// `webauthn.origin.mismatch`, `webauthn.origin.cross`, `webauthn.token-binding.unsupported`.
pub(crate) fn hash_of(json: &[u8], ceremony: Ceremony, expected: &Expected<'_>) -> Result<[u8; 32], Refusal> {
    let refused = |code| Refusal::misbehaved(code).at("clientDataJSON");
    if json.len() > SIZE {
        return Err(refused("webauthn.client-data.malformed").expected("4 KiB at most"));
    }
    let data: ClientData = bytes::object(json)
        .map_err(|error| refused("webauthn.client-data.malformed").found(&alloc::format!("{error}")))?;
    let wanted = match ceremony {
        Ceremony::Create => "webauthn.create",
        Ceremony::Get => "webauthn.get",
    };
    if data.ceremony != wanted {
        return Err(refused("webauthn.client-data.type").expected(wanted).found(&data.ceremony));
    }
    let challenge = URL_SAFE_NO_PAD.encode(expected.challenge);
    if !bool::from(challenge.as_bytes().ct_eq(data.challenge.as_bytes())) {
        return Err(refused("webauthn.challenge.mismatch").expected("the challenge of this ceremony"));
    }
    if !expected.origins.contains(&data.origin.as_str()) {
        let own = expected.origins.first().copied().unwrap_or_default();
        return Err(refused("webauthn.origin.mismatch").expected(own).found(&data.origin));
    }
    // Our pages are in nobody's frame.
    if data.cross_origin || data.top_origin.is_some() {
        return Err(refused("webauthn.origin.cross").expected("a page that is in no frame of another origin"));
    }
    if data.token_binding.is_some_and(|binding| binding.status == "present") {
        return Err(Refusal::incompatible("webauthn.token-binding.unsupported").at("tokenBinding"));
    }
    Ok(Sha256::digest(json).into())
}

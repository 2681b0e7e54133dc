//! JSON Web Tokens, good and bad.
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::template::Values;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JwtSignature {
    key: String,
    algorithm: String,
    header: Option<String>,
}

/// `header.payload.signature` of the payload.
pub(crate) fn sign(signature: &JwtSignature, payload: &[u8], values: &Values<'_>) -> String {
    let header = signature.header.as_ref().map_or_else(
        || format!(r#"{{"alg":"{}","typ":"JWT","kid":"{}"}}"#, signature.algorithm, signature.key).into(),
        |header| values.expand(header),
    );
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let key = values
        .keys
        .get(&signature.key)
        .unwrap_or_else(|| values.fail(&format!("unknown key {}", signature.key)));
    let bytes = key
        .sign_jwt(&signature.algorithm, input.as_bytes())
        .unwrap_or_else(|| values.fail(&format!("{} can't sign {}", signature.key, signature.algorithm)));
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

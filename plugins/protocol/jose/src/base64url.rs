//! base64url without padding (RFC 7515 section 2), canonical.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_refusal::Refusal;

/// Encodes without padding.
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes; padding, white space, other alphabets and set trailing bits are refused, so that two
/// texts never mean the same bytes.
///
/// # Errors
/// `jose.base64url.broken`, naming `element`.
pub fn decode(element: &str, text: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| {
        Refusal::misbehaved("jose.base64url.broken").at(element).expected("base64url without padding")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_text_is_read() {
        assert_eq!(decode("x", "_-8").unwrap(), [0xff, 0xef]);
        for text in ["_-8=", "/+8", "_-9", "_ -8", "_-8\n", "_", "_-8A="] {
            assert_eq!(decode("x", text).unwrap_err().code, "jose.base64url.broken", "{text:?}");
        }
    }
}

//! Tokens of `Authorization: Negotiate`: see `mod.rs`.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_spnego::der::{Reader, tag};

/// A token before it was base64. What is unwrapped stands in it, and is one message.
pub fn spnego(bytes: &[u8]) {
    let Ok(found) = postern_spnego::ap_req_of(&STANDARD.encode(bytes)) else { return };
    assert!(bytes.windows(found.len()).any(|part| part == found));
    let mut message = Reader::new(&found);
    assert!(message.take(tag::application(14)).is_ok() && message.is_empty());
}

//! What the host reads of what a guest or a server in the LAN wrote: see `mod.rs`.
use postern_guest_bytes::{SignatureArguments, kind_of, read_fields};
use postern_http1::{Response, ResponseReader, Unreadable};

/// Bytes of a response's body that are taken.
const MOST: usize = 2_000;

/// Pairs that a guest hands over: each byte is accounted for.
pub fn guest_pairs(bytes: &[u8]) {
    let Some(pairs) = read_fields(bytes).filter(|pairs| !pairs.is_empty()) else { return };
    let mut written = u32::try_from(pairs.len()).expect("as many as it says").to_le_bytes().to_vec();
    for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
        written.extend(u32::try_from(text.len()).expect("as long as it says").to_le_bytes());
    }
    for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
        written.extend([text, &b"\0"[..]].concat());
    }
    assert_eq!(written, bytes);
}

/// The arguments of `verify_signature`: what is found in them stands there.
pub fn verify_signature(bytes: &[u8]) {
    let Some(found) = SignatureArguments::read(bytes) else { return };
    for field in [found.hash, found.key, found.signature, found.text] {
        assert!(field.is_empty() || bytes.windows(field.len()).any(|part| part == field));
    }
    let _ = kind_of(found.key);
}

/// The response to a call of a filter: the same however it is cut into pieces.
pub fn call_response(bytes: &[u8]) {
    let whole = response(bytes, bytes.len().max(1));
    for step in [1, 7] {
        assert_eq!(response(bytes, step), whole, "pieces of {step}");
    }
    if let Ok(response) = whole {
        assert!((200..600).contains(&response.status) && response.body.len() <= MOST);
        let names = response.headers.iter().chain(&response.trailers).map(|(name, _)| name);
        assert!(names.into_iter().all(|name| !name.is_empty() && !name.iter().any(u8::is_ascii_uppercase)));
    }
}

fn response(bytes: &[u8], step: usize) -> Result<Response, Unreadable> {
    let mut reader = ResponseReader::new(false, MOST);
    let mut pieces = bytes.chunks(step);
    while let Some(piece) = pieces.next() {
        if let Some(response) = reader.take(piece)? {
            // More than one response is none.
            return if pieces.next().is_none() { Ok(response) } else { Err(Unreadable) };
        }
    }
    reader.end()
}

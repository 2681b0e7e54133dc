//! The request target (RFC 9112 section 3.2), accepted only when it is its own normal form.

use memchr::{memchr, memchr_iter};
use postern_refusal::Refusal;

/// Largest request target, in bytes, whatever an endpoint allows.
pub const MAX_TARGET: usize = 64 * 1024;

/// A request target in origin form whose path is canonical.
///
/// The path is printable ASCII; it starts with a slash; it has no dot segment, empty segment,
/// matrix parameter, backslash, or escape of what need not or must not be escaped; escapes are
/// in upper case. The query has valid escapes and none of NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestTarget<'a> {
    path: &'a str,
    /// ASCII.
    query: Option<&'a [u8]>,
}

impl<'a> RequestTarget<'a> {
    /// Judges a raw request target, byte by byte.
    ///
    /// # Errors
    /// Status 400, and 414 for `endpoint.target.too-long`.
    /// - `endpoint.target.`: `empty`, `too-long`, `nul`, `control`, `space`, `non-ascii`,
    ///   `backslash`, `fragment`, `asterisk`, `absolute-form`, `authority-form`
    /// - `endpoint.path.`: `dot-segment`, `doubled-slash`, `matrix-parameter`, `character`,
    ///   `escape-broken`, `escape-lower-case`, `encoded-dot`, `encoded-slash`,
    ///   `encoded-backslash`, `encoded-nul`, `encoded-control`, `encoded-matrix-parameter`,
    ///   `encoded-percent`, `encoded-unreserved`, `encoded-not-utf8`
    /// - `endpoint.query.`: `character`, `semicolon`, `escape-broken`, `encoded-nul`
    pub fn parse(raw: &'a [u8]) -> Result<Self, Refusal> {
        if raw.len() > MAX_TARGET {
            return Err(Refusal::misbehaved("endpoint.target.too-long")
                .with_status(414)
                .expected("64 KiB at most"));
        }
        let (path, query) = match memchr(b'?', raw) {
            Some(end) => raw.split_at_checked(end).unwrap_or((raw, &[])),
            None => (raw, [].as_slice()),
        };
        let (in_path, in_query) = (class::survey(path), class::survey(query));
        if !in_path.is_plain || !in_query.is_plain {
            require_allowed(raw)?;
        }
        let path = core::str::from_utf8(path).map_err(|_| not_ascii())?;
        require_origin_form(path, raw)?;
        require_canonical_path(path, in_path)?;
        let query = query.get(1..);
        if let Some(query) = query {
            require_valid_query(query, in_query)?;
        }
        Ok(Self { path, query })
    }

    /// The path, as it came.
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// The query as it came, without the question mark; none when there was no question mark.
    pub fn query(&self) -> Option<&'a str> {
        self.query.map(|query| core::str::from_utf8(query).unwrap_or_default())
    }

    /// The same as bytes, which are ASCII.
    pub(crate) fn query_bytes(&self) -> &'a [u8] {
        self.query.unwrap_or_default()
    }
}

fn refused(code: &'static str, expected: &str) -> Refusal {
    Refusal::misbehaved(code).at("request target").expected(expected)
}

/// Refuses bytes that stand in no request target.
fn require_allowed(raw: &[u8]) -> Result<(), Refusal> {
    for byte in raw {
        let code = match byte {
            0 => "endpoint.target.nul",
            b' ' => "endpoint.target.space",
            0x01..=0x1f | 0x7f => "endpoint.target.control",
            0x80.. => "endpoint.target.non-ascii",
            b'\\' => "endpoint.target.backslash",
            b'#' => "endpoint.target.fragment",
            _ => continue,
        };
        return Err(refused(code, "printable ASCII without backslash and fragment")
            .found(&format!("a byte 0x{byte:02x}")));
    }
    Ok(())
}

fn not_ascii() -> Refusal {
    refused("endpoint.target.non-ascii", "ASCII")
}

/// Origin form starts with a slash. What else there is has no business here.
fn require_origin_form(path: &str, raw: &[u8]) -> Result<(), Refusal> {
    if path.starts_with('/') {
        return Ok(());
    }
    let text = core::str::from_utf8(raw).map_err(|_| not_ascii())?;
    let code = if text.is_empty() {
        "endpoint.target.empty"
    } else if text == "*" {
        "endpoint.target.asterisk"
    } else if text.contains("://") {
        "endpoint.target.absolute-form"
    } else {
        "endpoint.target.authority-form"
    };
    Err(refused(code, "a path that starts with a slash").found(path))
}

fn require_canonical_path(path: &str, survey: Survey) -> Result<(), Refusal> {
    let wrong = |code, expected: &str| Err(refused(code, expected).found(path));
    // Other characters need no look at each.
    let bytes = if survey.is_plain && !survey.has_escape { "" } else { path }.bytes();
    for (position, byte) in bytes.enumerate() {
        match byte {
            b'%' => require_canonical_escape(path, position)?,
            b';' => return wrong("endpoint.path.matrix-parameter", "a path without semicolons"),
            b'/' | b':' | b'@' => {}
            _ if is_unreserved(byte) || is_sub_delimiter(byte) => {}
            _ => return wrong("endpoint.path.character", "characters of RFC 3986 section 3.3"),
        }
    }
    if !has_plain_segments(path) {
        // The path starts with a slash: the first part is empty, the others are the segments.
        let mut segments = path.as_bytes().split(|byte| *byte == b'/').skip(1).peekable();
        while let Some(segment) = segments.next() {
            if matches!(segment, b"." | b"..") {
                return wrong("endpoint.path.dot-segment", "a path without dot segments");
            }
            if segment.is_empty() && segments.peek().is_some() {
                return wrong("endpoint.path.doubled-slash", "a path without empty segments");
            }
        }
    }
    if survey.has_escape && !escapes_are_utf8(path) {
        return wrong("endpoint.path.encoded-not-utf8", "escapes of UTF-8 in its shortest form");
    }
    Ok(())
}

/// Whether no segment starts with a dot or is empty, but for the last one.
fn has_plain_segments(path: &str) -> bool {
    let mut previous = 0;
    for byte in path.bytes() {
        if previous == b'/' && (byte == b'/' || byte == b'.') {
            return false;
        }
        previous = byte;
    }
    true
}

/// Whether escapes of what is not ASCII make UTF-8. Old decoders read `%C0%AE` as a dot (RFC 3629
/// section 10).
fn escapes_are_utf8(path: &str) -> bool {
    if !path.contains('%') {
        return true;
    }
    let mut parts = path.split('%');
    let mut decoded = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        decoded.extend(escaped(part.as_bytes()));
        decoded.extend_from_slice(part.get(2..).unwrap_or_default().as_bytes());
    }
    core::str::from_utf8(&decoded).is_ok()
}

/// Judges the escape at that position of the path.
fn require_canonical_escape(path: &str, position: usize) -> Result<(), Refusal> {
    let wrong = |code, expected: &str| Err(refused(code, expected).found(path));
    let Some(byte) = escape_at(path, position) else {
        return wrong("endpoint.path.escape-broken", "a percent sign and two hexadecimal digits");
    };
    let forbidden = match byte {
        b'.' => Some("endpoint.path.encoded-dot"),
        b'/' => Some("endpoint.path.encoded-slash"),
        b'\\' => Some("endpoint.path.encoded-backslash"),
        b';' => Some("endpoint.path.encoded-matrix-parameter"),
        b'%' => Some("endpoint.path.encoded-percent"),
        0 => Some("endpoint.path.encoded-nul"),
        0x01..=0x1f | 0x7f => Some("endpoint.path.encoded-control"),
        _ if is_unreserved(byte) => Some("endpoint.path.encoded-unreserved"),
        _ => None,
    };
    if let Some(code) = forbidden {
        return wrong(code, "a path that does not escape this");
    }
    let digits = position.checked_add(1).and_then(|start| path.get(start..start.checked_add(2)?));
    if digits.is_some_and(|digits| digits.bytes().any(|digit| digit.is_ascii_lowercase())) {
        return wrong("endpoint.path.escape-lower-case", "escapes in upper case");
    }
    Ok(())
}

/// RFC 3986 section 3.4 without the semicolon, which some readers take for an ampersand.
/// Escapes may be in lower case and needless: peers sign and send queries as their languages
/// encode them, and what they encoded is judged by `postern-form`.
fn require_valid_query(query: &[u8], survey: Survey) -> Result<(), Refusal> {
    let wrong = |code, expected: &str| Err(Refusal::misbehaved(code).at("query").expected(expected));
    if !survey.is_plain {
        if query.contains(&b';') {
            return wrong("endpoint.query.semicolon", "a query without semicolons");
        }
        if !query.iter().all(|byte| class::is_plain(*byte)) {
            return wrong("endpoint.query.character", "characters of RFC 3986 section 3.4");
        }
    }
    if !survey.has_escape {
        return Ok(());
    }
    for position in memchr_iter(b'%', query) {
        match query.get(position..) {
            Some([_, high, low, ..]) if class::is_hex(*high) && class::is_hex(*low) => {
                if *high == b'0' && *low == b'0' {
                    return wrong("endpoint.query.encoded-nul", "a query without NUL");
                }
            }
            _ => return wrong("endpoint.query.escape-broken", "a percent sign and two hexadecimal digits"),
        }
    }
    Ok(())
}

/// The byte that two hexadecimal digits at the start stand for.
fn escaped(digits: &[u8]) -> Option<u8> {
    let [high, low, ..] = digits else { return None };
    Some((hex_digit(*high)? << 4) | hex_digit(*low)?)
}

/// The byte that the escape at that position stands for.
fn escape_at(text: &str, position: usize) -> Option<u8> {
    escaped(text.as_bytes().get(position.checked_add(1)?..)?)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// RFC 3986 section 2.2, without the semicolon.
fn is_sub_delimiter(byte: u8) -> bool {
    matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=')
}

use class::Survey;

/// What a request target is made of: queries of several KiB come with every SAML message.
mod class {
    /// What one look over some bytes tells.
    #[derive(Clone, Copy)]
    pub(super) struct Survey {
        /// No byte but those of [`is_plain`].
        pub(super) is_plain: bool,
        /// There is a `%`.
        pub(super) has_escape: bool,
    }

    /// Looks at 16 bytes at a time, for which there are instructions in wasm too. The last 16 may
    /// overlap with those before.
    pub(super) fn survey(bytes: &[u8]) -> Survey {
        let mut marks = [0_u8; 16];
        let (chunks, rest) = bytes.as_chunks::<16>();
        for chunk in chunks {
            mark(&mut marks, chunk);
        }
        if !rest.is_empty() {
            match bytes.last_chunk::<16>() {
                Some(last) => mark(&mut marks, last),
                None => {
                    let mut padded = [b'a'; 16];
                    padded.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
                    mark(&mut marks, &padded);
                }
            }
        }
        let marks = u128::from_ne_bytes(marks);
        Survey { is_plain: marks & BAD == 0, has_escape: marks & ESCAPE != 0 }
    }

    // Of one mark for each of the 16.
    const BAD: u128 = u128::from_ne_bytes([1; 16]);
    const ESCAPE: u128 = u128::from_ne_bytes([2; 16]);

    fn mark(marks: &mut [u8; 16], bytes: &[u8; 16]) {
        for (mark, byte) in marks.iter_mut().zip(bytes) {
            *mark |= u8::from(!is_plain(*byte)) | (u8::from(*byte == b'%') << 1);
        }
    }

    /// Whether it is a character of a path or a query (RFC 3986 sections 3.3 and 3.4) and no semicolon,
    /// which some readers take for an ampersand. Without a branch and a table.
    pub(super) fn is_plain(byte: u8) -> bool {
        let within = |first: u8, last: u8| byte.wrapping_sub(first) <= last.wrapping_sub(first);
        within(b'!', b'~')
            & !within(b'[', b'^')
            & !within(b'{', b'}')
            & ((byte | 1) != b'#')
            & ((byte | 2) != b'>')
            & (byte != b'`')
            & (byte != b';')
    }

    pub(super) fn is_hex(byte: u8) -> bool {
        byte.is_ascii_hexdigit()
    }

    #[cfg(test)]
    mod tests {
        use super::{is_plain, survey};

        #[test]
        fn plain_bytes_are_those_of_the_rfc() {
            for byte in 0..=u8::MAX {
                let allowed = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@/?%".contains(&byte);
                assert_eq!(is_plain(byte), allowed, "{byte:#x}");
            }
        }

        #[test]
        fn a_byte_is_seen_wherever_it_stands() {
            for length in 0..50 {
                let plain = vec![b'a'; length];
                assert!(survey(&plain).is_plain && !survey(&plain).has_escape, "{length}");
                for position in 0..length {
                    for (byte, is_plain) in [(b'%', true), (b';', false), (0xff, false), (b'\n', false)] {
                        let mut bytes = plain.clone();
                        bytes[position] = byte;
                        let found = survey(&bytes);
                        assert_eq!((found.is_plain, found.has_escape), (is_plain, byte == b'%'));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
#[path = "target_tests.rs"]
mod tests;

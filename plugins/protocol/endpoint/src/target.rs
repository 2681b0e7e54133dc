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
    query: Option<&'a str>,
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
        let (of_path, of_query) = (class::of_all(path), class::of_all(query));
        let text = printable(raw, of_path | of_query)?;
        require_origin_form(text)?;
        let (path, query) = text.split_at_checked(path.len()).unwrap_or((text, ""));
        require_canonical_path(path, of_path)?;
        let query = query.strip_prefix('?');
        if let Some(query) = query {
            require_valid_query(query, of_query)?;
        }
        Ok(Self { path, query })
    }

    /// The path, as it came.
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// The query as it came, without the question mark; none when there was no question mark.
    pub fn query(&self) -> Option<&'a str> {
        self.query
    }
}

fn refused(code: &'static str, expected: &str) -> Refusal {
    Refusal::misbehaved(code).at("request target").expected(expected)
}

/// The bytes as text, when each is printable ASCII and may stand in a request target, which their
/// classes tell.
fn printable(raw: &[u8], classes: u8) -> Result<&str, Refusal> {
    if classes & class::FORBIDDEN == 0
        && let Ok(text) = core::str::from_utf8(raw)
    {
        return Ok(text);
    }
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
    Err(refused("endpoint.target.non-ascii", "ASCII"))
}

/// Origin form starts with a slash. What else there is has no business here.
fn require_origin_form(text: &str) -> Result<(), Refusal> {
    if text.starts_with('/') {
        return Ok(());
    }
    let code = if text.is_empty() {
        "endpoint.target.empty"
    } else if text == "*" {
        "endpoint.target.asterisk"
    } else if text.contains("://") {
        "endpoint.target.absolute-form"
    } else {
        "endpoint.target.authority-form"
    };
    Err(refused(code, "a path that starts with a slash").found(text.split('?').next().unwrap_or_default()))
}

fn require_canonical_path(path: &str, classes: u8) -> Result<(), Refusal> {
    let wrong = |code, expected: &str| Err(refused(code, expected).found(path));
    // Other characters need no look at each.
    let bytes = if classes == 0 { "" } else { path }.bytes();
    for (position, byte) in bytes.enumerate() {
        match byte {
            b'%' => require_canonical_escape(path, position)?,
            b';' => return wrong("endpoint.path.matrix-parameter", "a path without semicolons"),
            b'/' | b':' | b'@' => {}
            _ if is_unreserved(byte) || is_sub_delimiter(byte) => {}
            _ => return wrong("endpoint.path.character", "characters of RFC 3986 section 3.3"),
        }
    }
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
    if !escapes_are_utf8(path) {
        return wrong("endpoint.path.encoded-not-utf8", "escapes of UTF-8 in its shortest form");
    }
    Ok(())
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
fn require_valid_query(query: &str, classes: u8) -> Result<(), Refusal> {
    let wrong = |code, expected: &str| Err(Refusal::misbehaved(code).at("query").expected(expected));
    if classes & class::SEMICOLON != 0 {
        return wrong("endpoint.query.semicolon", "a query without semicolons");
    }
    if classes & class::OTHER != 0 {
        return wrong("endpoint.query.character", "characters of RFC 3986 section 3.4");
    }
    if classes & class::PERCENT == 0 {
        return Ok(());
    }
    for position in memchr_iter(b'%', query.as_bytes()) {
        match escape_at(query, position) {
            None => {
                return wrong("endpoint.query.escape-broken", "a percent sign and two hexadecimal digits");
            }
            Some(0) => return wrong("endpoint.query.encoded-nul", "a query without NUL"),
            Some(_) => {}
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

/// Bytes in classes: queries of several KiB come with every SAML message.
mod class {
    /// What no request target has.
    pub(super) const FORBIDDEN: u8 = 1;
    /// `;`
    pub(super) const SEMICOLON: u8 = 2;
    /// `%`
    pub(super) const PERCENT: u8 = 4;
    /// Printable, but no character of a path or a query.
    pub(super) const OTHER: u8 = 8;

    /// The classes that occur.
    pub(super) fn of_all(bytes: &[u8]) -> u8 {
        bytes.iter().fold(0, |classes, byte| classes | of(*byte))
    }

    /// Without a branch and a table, so that the compiler takes 16 bytes at a time.
    pub(super) fn of(byte: u8) -> u8 {
        let forbidden = (byte <= b' ') | (byte >= 0x7f) | (byte == b'\\') | (byte == b'#');
        let other = (byte == b'"')
            | (byte == b'<')
            | (byte == b'>')
            | (byte == b'[')
            | (byte == b']')
            | (byte == b'^')
            | (byte == b'`')
            | matches!(byte, b'{'..=b'}');
        let mask = |holds: bool, class: u8| if holds { class } else { 0 };
        mask(forbidden, FORBIDDEN)
            | mask(byte == b';', SEMICOLON)
            | mask(byte == b'%', PERCENT)
            | mask(other, OTHER)
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
#[path = "target_tests.rs"]
mod tests;

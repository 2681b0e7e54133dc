/// How a request target relates to a path that is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressed {
    /// It is that path, letter by letter.
    Exactly,
    /// It is written otherwise, but some servers would take it for that path.
    Ambiguously,
    /// It is another path.
    No,
}

/// Whether the raw path of a request (without query) addresses the judged path.
///
/// Servers in the LAN may decode escapes, drop matrix parameters, resolve dot segments, join
/// slashes or ignore case: whatever folds to the judged path without being it is refused by the
/// caller, so that no message passes by unjudged.
pub fn addresses(raw: &[u8], judged: &str) -> Addressed {
    if raw == judged.as_bytes() {
        return Addressed::Exactly;
    }
    if fold(raw) == fold(judged.as_bytes()) { Addressed::Ambiguously } else { Addressed::No }
}

/// The segments of a path as the laxest server would have them.
fn fold(raw: &[u8]) -> Vec<Vec<u8>> {
    let decoded = decode(&decode(raw));
    let path = decoded.strip_prefix(b"/").map_or_else(|| without_authority(&decoded), |_| &decoded);
    let mut segments: Vec<Vec<u8>> = Vec::new();
    for segment in path.split(|byte| matches!(byte, b'/' | b'\\')) {
        let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
        match name {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            name => segments.push(name.to_ascii_lowercase()),
        }
    }
    segments
}

/// The path of an absolute-form target.
fn without_authority(target: &[u8]) -> &[u8] {
    let Some(scheme) = target.windows(3).position(|window| window == b"://") else { return target };
    let rest = target.get(scheme.saturating_add(3)..).unwrap_or_default();
    let path = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
    rest.get(path..).unwrap_or_default()
}

/// Decodes escapes once; a broken one stands for itself. NUL and what follows `?` or `#` is cut.
fn decode(raw: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let escaped = after.split_first_chunk::<2>().and_then(|(digits, after)| {
            let text = core::str::from_utf8(digits).ok()?;
            let hexadecimal = text.bytes().all(|digit| digit.is_ascii_hexdigit());
            Some((u8::from_str_radix(text, 16).ok().filter(|_| hexadecimal)?, after))
        });
        match (byte, escaped) {
            (b'%', Some((value, after))) => {
                decoded.push(value);
                rest = after;
            }
            _ => decoded.push(*byte),
        }
    }
    let end = decoded.iter().position(|byte| matches!(byte, 0 | b'?' | b'#')).unwrap_or(decoded.len());
    decoded.truncate(end);
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_passes_by() {
        assert_eq!(addresses(b"/samlsso", "/samlsso"), Addressed::Exactly);
        for raw in [
            "/samlsso/",
            "//samlsso",
            "/SAMLSSO",
            "/samlsso;x=1",
            "/samlsso%00.css",
            "/samlss%6f",
            "/samlss%256f",
            "/%2e/samlsso",
            "/a/../samlsso",
            "/a/..;/samlsso",
            "/a/%2e%2e/samlsso",
            "/a\\..\\samlsso",
            "/samlsso%3fa",
            "/samlsso%23",
            "\\samlsso",
            "samlsso",
            "https://sso.example.com/samlsso",
        ] {
            assert_eq!(addresses(raw.as_bytes(), "/samlsso"), Addressed::Ambiguously, "{raw}");
        }
        for raw in ["/", "", "*", "/oauth2/authorize", "/samlsso/x", "/samlsso2", "/x/samlsso", "/%", "/%zz"]
        {
            assert_eq!(addresses(raw.as_bytes(), "/samlsso"), Addressed::No, "{raw}");
        }
    }
}

//! How a raw path relates to one that is judged, read as the laxest server would.

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

/// How often a path is decoded: a proxy, a server and an application may each do it once.
const DECODINGS: usize = 3;

/// Whether the raw path of a request (without query) addresses the judged path.
///
/// Servers in the LAN may decode escapes, once or several times, cut matrix parameters, NUL and
/// what follows `?` or `#`, resolve dot segments before or after that, join slashes, trim white
/// space, ignore case, and take what precedes or follows the segments of the judged path for a
/// tenant or for path info. Whatever could be that path in any of these ways, without being it
/// letter by letter, is refused by the caller, so that no message passes unjudged.
pub fn addresses(raw: &[u8], judged: &str) -> Addressed {
    if raw == judged.as_bytes() {
        return Addressed::Exactly;
    }
    if is_literal(raw) && is_literal(judged.as_bytes()) && lacks_last_segment(raw, judged) {
        return Addressed::No;
    }
    read_laxly(raw, judged)
}

/// Whether decoding leaves the text as it is, and case is that of ASCII: nearly every path and
/// parameter name, and no copy of it has to be made.
pub(crate) fn is_literal(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii() && *byte != b'%')
}

/// Whether the last segment of the judged path is nowhere in a literal path. What is cut and trimmed
/// from a segment leaves a part of it, so that no reading could make this one the judged path.
fn lacks_last_segment(raw: &[u8], judged: &str) -> bool {
    let last = judged.rsplit('/').next().unwrap_or_default().as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    // Other letters could be cut from it.
    !last.is_empty()
        && last.iter().all(is_plain)
        && !raw.windows(last.len()).any(|part| part.eq_ignore_ascii_case(last))
}

/// Every reading that servers are known for, one after the other.
fn read_laxly(raw: &[u8], judged: &str) -> Addressed {
    let mut path = raw.to_vec();
    let mut wanted = judged.as_bytes().to_vec();
    for _ in 0..=DECODINGS {
        if passes_through(&path, &segments(&wanted).collect::<Vec<_>>()) {
            return Addressed::Ambiguously;
        }
        if !path.contains(&b'%') && !wanted.contains(&b'%') {
            break;
        }
        path = shortest(&decode(&path));
        wanted = decode(&wanted);
    }
    Addressed::No
}

/// Whether the wanted segments are ever the last ones while dot segments are resolved from left to
/// right. What comes later does not matter: a server may have cut it, or take it for path info.
fn passes_through(path: &[u8], wanted: &[String]) -> bool {
    let mut stack: Vec<String> = Vec::new();
    for segment in segments(path) {
        if segment == ".." {
            stack.pop();
            continue;
        }
        stack.push(segment);
        if stack.ends_with(wanted) {
            return true;
        }
    }
    false
}

/// The segments without the empty ones and `.`, each without parameters and the white space around
/// it, in one case. Dots at the end are cut, which some file systems do.
fn segments(path: &[u8]) -> impl Iterator<Item = String> {
    path.split(|byte| matches!(byte, b'/' | b'\\')).filter_map(|segment| {
        let name = segment.split(|byte| matches!(byte, b';' | b'?' | b'#' | 0)).next().unwrap_or_default();
        let name = String::from_utf8_lossy(name);
        let name = name.trim_matches(|c: char| c.is_whitespace() || c.is_control() || c == '+');
        match name {
            "" | "." => None,
            ".." => Some("..".to_owned()),
            // Upper case first: `ſ` is a letter whose upper case is `S`.
            name => Some(name.trim_end_matches('.').to_uppercase().to_lowercase()),
        }
    })
}

/// Decodes escapes once; a broken one stands for itself.
pub(crate) fn decode(raw: &[u8]) -> Vec<u8> {
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
    decoded
}

/// ASCII that stands there in more bytes of UTF-8 than it needs, as old decoders read it: `%C0%AE` is
/// a dot to them.
fn shortest(bytes: &[u8]) -> Vec<u8> {
    let ascii = |high: u8, low: u8| ((high & 1) << 6) | (low & 0x3f);
    let mut shortened = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        let (value, after) = match rest {
            [high @ (0xc0 | 0xc1), low @ 0x80..=0xbf, after @ ..]
            | [0xe0, high @ (0x80 | 0x81), low @ 0x80..=0xbf, after @ ..]
            | [0xf0, 0x80, high @ (0x80 | 0x81), low @ 0x80..=0xbf, after @ ..] => {
                (ascii(*high, *low), after)
            }
            _ => (*byte, after),
        };
        shortened.push(value);
        rest = after;
    }
    shortened
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
            "/samlsso;/../x",
            "/samlsso%00.css",
            "/samlss%6f",
            "/samlss%256f",
            "/x/%C0%AE%C0%AE/samlsso",
            "/x/%c0%ae.%c0%afsamlsso",
            "/x/..%E0%80%AFsamlsso",
            "/x%F0%80%80%AFsamlsso",
            "/samlss%C1%AF",
            "/samlss%25256f",
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
            // Cut and not cut.
            "/a%3F/../samlsso",
            "/a%23/../samlsso",
            "/a%00/../samlsso",
            "/a%253F/../samlsso%3F",
            "/samlsso%3F/../x",
            // Segments around it.
            "/samlsso/x",
            "/t/x/samlsso",
            "/t/x/samlsso/y",
            "/samlsso/../x",
            "/x/samlsso",
            // White space, dots, letters of another script.
            "/samlsso%20",
            "/%20samlsso",
            "/samlsso%09",
            "/samlsso%C2%A0",
            "/samlsso+",
            "/samlsso.",
            "/%C5%BFamlsso",
        ] {
            assert_eq!(addresses(raw.as_bytes(), "/samlsso"), Addressed::Ambiguously, "{raw}");
        }
        for raw in [
            "/",
            "",
            "*",
            "/oauth2/authorize",
            "/samlsso2",
            "/samlssox/y",
            "/samlartresolve",
            "/identity/metadata/saml2",
            "/x-samlsso",
            "/%",
            "/%zz",
            "/a%20b/%C3%A4",
            "/caf%C3%A9",
        ] {
            assert_eq!(addresses(raw.as_bytes(), "/samlsso"), Addressed::No, "{raw}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_seen_at_a_glance_is_what_every_reading_finds(
            raw in "[/\\\\.;?#+ %a-bA-B0]{0,12}(samlsso|SamlSSO|saml|x.y)?[/\\\\.;?#+ %a-b25ſé]{0,12}",
            judged in "(/a|/A.b|/%61)?/(samlsso|x\\.y|saml|b)"
        ) {
            let found = addresses(raw.as_bytes(), &judged);
            if found != Addressed::Exactly {
                proptest::prop_assert_eq!(found, read_laxly(raw.as_bytes(), &judged));
            }
        }
    }

    #[test]
    fn paths_of_several_segments_are_found_wherever_they_are_cut() {
        let judged = "/realms/a%20b/protocol/saml";
        assert_eq!(addresses(judged.as_bytes(), judged), Addressed::Exactly);
        for raw in [
            "/realms/a b/protocol/saml",
            "/realms/a%2520b/protocol/saml",
            "/realms/x/../a%20b/protocol/saml",
            "/realms/a%20b/x/../protocol/saml%3F/../y",
            "/auth/realms/a%20b/protocol/saml/descriptor",
        ] {
            assert_eq!(addresses(raw.as_bytes(), judged), Addressed::Ambiguously, "{raw}");
        }
        for raw in
            ["/realms/a%20b/protocol", "/realms/b/protocol/saml", "/realms/a%20b/protocol/openid-connect"]
        {
            assert_eq!(addresses(raw.as_bytes(), judged), Addressed::No, "{raw}");
        }
    }
}

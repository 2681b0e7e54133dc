use proptest::prelude::*;

use super::*;

fn code(raw: &[u8]) -> &'static str {
    RequestTarget::parse(raw).map(|_| "accepted").unwrap_or_else(|refusal| refusal.code)
}

#[test]
fn canonical_targets_are_accepted_as_they_are() {
    for raw in [
        "/",
        "/samlsso",
        "/samlsso/",
        "/.well-known/openid-configuration",
        "/FederationMetadata/2007-06/FederationMetadata.xml",
        "/a..b/...c/d.",
        "/a%20b/%C3%A4",
        "/samlsso?",
        "/samlsso?SAMLRequest=a%2Bb%3d&RelayState=https%3A%2F%2Fx%2F..%2F",
        "/oauth2/authorize?scope=openid+profile&x=/?:@!$'()*,~",
    ] {
        let target =
            RequestTarget::parse(raw.as_bytes()).unwrap_or_else(|refusal| panic!("{raw}: {refusal}"));
        let again = match target.query() {
            Some(query) => format!("{}?{query}", target.path()),
            None => target.path().to_owned(),
        };
        assert_eq!(again, raw);
    }
}

#[test]
fn each_class_has_its_reason() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "endpoint.target.empty"),
        (b"*", "endpoint.target.asterisk"),
        (b"http://sso.example.com/samlsso", "endpoint.target.absolute-form"),
        (b"sso.example.com:443", "endpoint.target.authority-form"),
        (b"samlsso", "endpoint.target.authority-form"),
        (b"/samlsso\0", "endpoint.target.nul"),
        (b"/saml\x01sso", "endpoint.target.control"),
        (b"/samlsso\r\nX: y", "endpoint.target.control"),
        (b"/samlsso\x7f", "endpoint.target.control"),
        (b"/saml sso", "endpoint.target.space"),
        (b"/saml\xc3\xa4", "endpoint.target.non-ascii"),
        (b"/samlsso\xff", "endpoint.target.non-ascii"),
        (b"/x\\..\\carbon", "endpoint.target.backslash"),
        (b"/samlsso#x", "endpoint.target.fragment"),
        (b"/x/../carbon", "endpoint.path.dot-segment"),
        (b"/./samlsso", "endpoint.path.dot-segment"),
        (b"/samlsso/..", "endpoint.path.dot-segment"),
        (b"/samlsso/.", "endpoint.path.dot-segment"),
        (b"/%2e%2e/carbon", "endpoint.path.encoded-dot"),
        (b"/.%2E/carbon", "endpoint.path.encoded-dot"),
        (b"/x%2fcarbon", "endpoint.path.encoded-slash"),
        (b"/x%2Fcarbon", "endpoint.path.encoded-slash"),
        (b"/x%5c..%5ccarbon", "endpoint.path.encoded-backslash"),
        (b"/x%5Ccarbon", "endpoint.path.encoded-backslash"),
        (b"/samlsso%00", "endpoint.path.encoded-nul"),
        (b"/samlsso%0d%0a", "endpoint.path.encoded-control"),
        (b"/%252e%252e/carbon", "endpoint.path.encoded-percent"),
        (b"/%73amlsso", "endpoint.path.encoded-unreserved"),
        (b"/samlsso%7E", "endpoint.path.encoded-unreserved"),
        (b"/x%c3%a4", "endpoint.path.escape-lower-case"),
        (b"/x/%C0%AE%C0%AE/carbon", "endpoint.path.encoded-not-utf8"),
        (b"/x%C0%AFcarbon", "endpoint.path.encoded-not-utf8"),
        (b"/x%E0%80%AFcarbon", "endpoint.path.encoded-not-utf8"),
        (b"/x%ED%A0%80", "endpoint.path.encoded-not-utf8"),
        (b"/x%E4", "endpoint.path.encoded-not-utf8"),
        (b"/x%C3x%A4", "endpoint.path.encoded-not-utf8"),
        (b"/x%2", "endpoint.path.escape-broken"),
        (b"/x%", "endpoint.path.escape-broken"),
        (b"/x%zz", "endpoint.path.escape-broken"),
        (b"/x%u002e", "endpoint.path.escape-broken"),
        (b"//samlsso", "endpoint.path.doubled-slash"),
        (b"/samlsso//", "endpoint.path.doubled-slash"),
        (b"/x//carbon", "endpoint.path.doubled-slash"),
        (b"/samlsso;jsessionid=1", "endpoint.path.matrix-parameter"),
        (b"/x/..;/carbon", "endpoint.path.matrix-parameter"),
        (b"/x/..%3b/carbon", "endpoint.path.encoded-matrix-parameter"),
        (b"/x{y}", "endpoint.path.character"),
        (b"/samlsso?a=%4", "endpoint.query.escape-broken"),
        (b"/samlsso?a=%00", "endpoint.query.encoded-nul"),
        (b"/samlsso?a=1;b=2", "endpoint.query.semicolon"),
        (b"/samlsso?a=<b>", "endpoint.query.character"),
    ];
    for (raw, expected) in cases {
        assert_eq!(code(raw), *expected, "{}", String::from_utf8_lossy(raw));
    }
    assert_eq!(code(&[b"/".as_slice(), &[b'a'; MAX_TARGET]].concat()), "endpoint.target.too-long");
}

/// RFC 3986 section 6.2.2 with the habits of servers on top: every escape decoded, backslashes
/// as slashes, parameters cut from segments, empty and dot segments removed.
fn as_a_careless_server_reads(path: &str) -> String {
    let mut decoded = Vec::new();
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
            decoded.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            decoded.push(byte);
        }
    }
    let text: String = decoded.into_iter().map(char::from).map(|c| if c == '\\' { '/' } else { c }).collect();
    let ends_in_slash = text.ends_with('/');
    let mut segments: Vec<&str> = Vec::new();
    for segment in text.split('/') {
        match segment.split(';').next().unwrap() {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let slash = if ends_in_slash && !segments.is_empty() { "/" } else { "" };
    format!("/{}{slash}", segments.join("/"))
}

fn decoded_but_not_resolved(path: &str) -> String {
    let mut text = String::new();
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        text.push(char::from(if byte == b'%' {
            let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
            u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
        } else {
            byte
        }));
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// No server reads an accepted path as another path.
    #[test]
    fn what_is_accepted_is_its_own_normal_form(raw in "/[a-c./\\\\%;:?#2eE5cCfFbB03~-]{0,14}") {
        if let Ok(target) = RequestTarget::parse(raw.as_bytes()) {
            let path = target.path();
            prop_assert_eq!(as_a_careless_server_reads(path), decoded_but_not_resolved(path));
            prop_assert!(!path.contains('%') || path == path.to_ascii_uppercase()
                || path.split('%').skip(1).all(|escape| !escape[..2].bytes().any(|d| d.is_ascii_lowercase())));
        }
    }

    /// Any bytes get a verdict, and an accepted target is the bytes that came.
    #[test]
    fn any_bytes_get_a_verdict(raw in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(target) = RequestTarget::parse(&raw) {
            let length = target.path().len() + target.query().map_or(0, |query| query.len() + 1);
            prop_assert_eq!(length, raw.len());
        }
    }
}

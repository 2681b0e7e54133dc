//! Our four cookies. The `__Host-` prefix makes the browser insist on `Secure`, `Path=/` and no
//! `Domain`: neither a sibling host nor plain HTTP can set them.

use axum::http::HeaderMap;
use postern_kernel::device::LIFETIME;
use postern_kernel::flow::CookieChange;
use postern_kernel::remembered::LONGEST;

/// The session's secret.
pub(super) const SESSION: &str = "__Host-postern-session";
/// Binds login transactions to the browser.
pub(super) const BROWSER: &str = "__Host-postern-browser";

/// Says that somebody has signed in with this browser before, see [`postern_kernel::device`].
pub(super) const DEVICE: &str = "__Host-postern-device";

/// Says that this device need not be asked for a further factor again, see [`postern_kernel::remembered`].
pub(super) const REMEMBERED: &str = "__Host-postern-remembered";

/// Longest value that is looked at.
const MAX_VALUE: usize = 128;

/// The cookie's value, when it is there exactly once and could be one of ours.
pub(super) fn find(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut found = None;
    for header in headers.get_all("cookie") {
        for pair in header.to_str().ok()?.split(';') {
            let Some((key, value)) = pair.trim_matches([' ', '\t']).split_once('=') else { continue };
            if key != name {
                continue;
            }
            if found.is_some() {
                return None;
            }
            found = Some(value);
        }
    }
    let ours = |value: &&str| {
        !value.is_empty()
            && value.len() <= MAX_VALUE
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    found.filter(ours).map(Into::into)
}

/// `Set-Cookie` of a change. No `Max-Age` but for the device's and a remembered one's, which
/// has its own end within: the others end with the browser,
/// sessions before that in the store. The device's is needed with our own form alone, which no
/// other site sends.
pub(super) fn format(name: &str, change: &CookieChange) -> Option<String> {
    let attributes = match name {
        REMEMBERED => format!("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={LONGEST}"),
        DEVICE => format!("; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={LIFETIME}"),
        _ => "; Path=/; Secure; HttpOnly; SameSite=Lax".to_owned(),
    };
    match change {
        CookieChange::Keep => None,
        CookieChange::Set(value) => Some(format!("{name}={value}{attributes}")),
        CookieChange::Clear => Some(format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| ("cookie".parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_cookie_that_is_there_once_is_found() {
        let sent = headers(&["a=b; __Host-postern-session=abc-_1", "c=d"]);
        assert_eq!(find(&sent, SESSION).as_deref(), Some("abc-_1"));
        assert_eq!(find(&sent, BROWSER), None);
    }

    #[test]
    fn what_is_there_twice_or_not_ours_is_not_found() {
        assert_eq!(find(&headers(&["__Host-postern-session=a; __Host-postern-session=b"]), SESSION), None);
        assert_eq!(find(&headers(&["__Host-postern-session=a", "__Host-postern-session=b"]), SESSION), None);
        assert_eq!(find(&headers(&["__Host-postern-session="]), SESSION), None);
        assert_eq!(find(&headers(&["__Host-postern-session=\"a\""]), SESSION), None);
        assert_eq!(find(&headers(&["__host-postern-session=a"]), SESSION), None);
        let long = format!("{SESSION}={}", "a".repeat(MAX_VALUE + 1));
        assert_eq!(find(&headers(&[&long]), SESSION), None);
    }

    #[test]
    fn attributes_are_those_that_the_prefix_wants() {
        let set = format(SESSION, &CookieChange::Set("x".into())).unwrap();
        assert_eq!(set, "__Host-postern-session=x; Path=/; Secure; HttpOnly; SameSite=Lax");
        assert_eq!(
            format(DEVICE, &CookieChange::Set("x".into())).unwrap(),
            "__Host-postern-device=x; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=31536000"
        );
        assert!(format(SESSION, &CookieChange::Clear).unwrap().ends_with("; Max-Age=0"));
        assert_eq!(format(SESSION, &CookieChange::Keep), None);
    }
}

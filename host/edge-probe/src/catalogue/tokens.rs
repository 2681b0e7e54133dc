//! Bearer tokens that are none.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::{Entry, Target, entry, get};

pub(super) fn entries(target: &Target) -> Vec<Entry> {
    let Some(path) = &target.token else { return Vec::new() };
    let part = |json: &str| BASE64_URL_SAFE_NO_PAD.encode(json);
    let claims =
        part(r#"{"iss":"https://nobody.invalid","aud":"x","sub":"x","exp":4102444800,"iat":4102444000}"#);
    let bearer = |token: &str| get(target, path, &format!("Authorization: Bearer {token}\r\n"));
    let header = |json: &str| format!("{}.{claims}.AAAA", part(json));
    vec![
        entry("token", "none", "no token", get(target, path, "")),
        entry("token", "basic", "another scheme", get(target, path, "Authorization: Basic eDp4\r\n")),
        entry("token", "empty", "a scheme without a token", get(target, path, "Authorization: Bearer \r\n")),
        entry("token", "garbage", "no token", bearer("a.b.c")),
        entry(
            "token",
            "alg-none",
            "an unsigned token",
            bearer(&format!("{}.{claims}.", part(r#"{"alg":"none","typ":"at+jwt"}"#))),
        ),
        entry(
            "token",
            "alg-hmac",
            "a shared secret in place of a key",
            bearer(&header(r#"{"alg":"HS256","typ":"at+jwt","kid":"x"}"#)),
        ),
        entry(
            "token",
            "embedded-key",
            "a key that the token brings",
            bearer(&header(r#"{"alg":"ES256","typ":"at+jwt","jwk":{"kty":"EC"}}"#)),
        ),
        entry(
            "token",
            "key-by-url",
            "a key from somewhere",
            bearer(&header(r#"{"alg":"RS256","typ":"at+jwt","jku":"https://nobody.invalid/"}"#)),
        ),
        entry(
            "token",
            "of-nobody",
            "a token of nobody",
            bearer(&header(r#"{"alg":"RS256","typ":"at+jwt","kid":"x"}"#)),
        ),
        entry(
            "token",
            "in-query",
            "a token in the query",
            get(target, &format!("{path}?access_token=a.b.c"), ""),
        ),
        entry(
            "token",
            "other-case",
            "the guarded path in capitals",
            get(target, &path.to_ascii_uppercase(), ""),
        ),
    ]
}

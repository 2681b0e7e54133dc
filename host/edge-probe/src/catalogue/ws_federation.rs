//! WS-Federation: requests of realms that nobody has registered, and tokens of nobody.

use super::hostile_xml::{escaped, hostile};
use super::{Entry, Target, entry, form, get};

const NOBODY: &str = "urn:postern-edge-probe:nobody";
const ELSEWHERE: &str = "https%3A%2F%2Fnobody.invalid%2F";

/// Parameters that no edge lets pass, whoever is registered.
const QUERIES: [(&str, &str, &str); 25] = [
    ("nobody", "wa=wsignin1.0&wtrealm={nobody}", "a sign-in for nobody who is registered"),
    ("realm-missing", "wa=wsignin1.0", "a sign-in for no one"),
    ("realm-empty", "wa=wsignin1.0&wtrealm=", "a sign-in for no one"),
    ("realm-twice", "wa=wsignin1.0&wtrealm={nobody}&wtrealm=x", "which one counts differs"),
    ("reply", "wa=wsignin1.0&wtrealm={nobody}&wreply={elsewhere}", "an open redirect, with a token in it"),
    ("reply-without-realm", "wa=wsignin1.0&wreply={elsewhere}", "an open redirect"),
    ("sign-out-reply", "wa=wsignout1.0&wreply={elsewhere}", "an open redirect after sign-out"),
    ("clean-up-reply", "wa=wsignoutcleanup1.0&wreply={elsewhere}", "an open redirect after clean-up"),
    ("sign-out-nobody", "wa=wsignout1.0&wtrealm={nobody}", "a sign-out for nobody who is registered"),
    ("action-unknown", "wa=postern1.0&wtrealm={nobody}", "an action that is none"),
    ("action-twice", "wa=wsignout1.0&wa=wsignin1.0", "which one counts differs"),
    ("action-case", "wa=WSIGNIN1.0&wtrealm={nobody}", "an action to some readers"),
    ("action-name-case", "WA=wsignin1.0&wtrealm={nobody}", "a name in another case"),
    ("action-name-encoded", "%77a=wsignin1.0&wtrealm={nobody}", "a name that filters do not recognise"),
    ("action-missing", "wtrealm={nobody}", "a request that says not what it is"),
    ("attributes", "wa=wattr1.0&wattr=x", "the attribute service"),
    ("pseudonyms", "wa=wpseudo1.0&wpseudo=x", "the pseudonym service"),
    (
        "request-pointer",
        "wa=wsignin1.0&wtrealm={nobody}&wreqptr={elsewhere}",
        "an address that the LAN would fetch",
    ),
    ("result-pointer", "wa=wsignin1.0&wresultptr={elsewhere}", "a token that the LAN would fetch"),
    ("request", "wa=wsignin1.0&wtrealm={nobody}&wreq=%3Ca%2F%3E", "a token request that is none"),
    ("result-by-get", "wa=wsignin1.0&wresult=%3Ca%2F%3E", "a token in a query"),
    ("time", "wa=wsignin1.0&wtrealm={nobody}&wct=yesterday", "a time that is none"),
    ("encoding", "wa=wsignin1.0&wtrealm={nobody}&wencoding=base64", "XML in a second form"),
    (
        "home-realm",
        "wa=wsignin1.0&wtrealm={nobody}&whr={elsewhere}",
        "an identity provider of somebody's choice",
    ),
    (
        "saml-beside",
        "wa=wsignin1.0&wtrealm={nobody}&SAMLRequest=AAAA",
        "a message of another protocol beside",
    ),
];

pub(super) fn entries(target: &Target) -> Vec<Entry> {
    let Some(path) = &target.wsfed else { return Vec::new() };
    let of = |name, why, bytes| entry("wsfed", name, why, bytes);
    let raw = |query: &str| get(target, &format!("{path}?{query}"), "");
    let filled = |query: &str| query.replace("{nobody}", NOBODY).replace("{elsewhere}", ELSEWHERE);
    let mut all: Vec<Entry> =
        QUERIES.iter().map(|(name, query, why)| of(*name, *why, raw(&filled(query)))).collect();
    let sign_in = filled("wa=wsignin1.0&wtrealm={nobody}");
    all.extend([
        of("nobody-post", "a sign-in for nobody by POST", form(target, path, &sign_in)),
        of(
            "query-and-form",
            "one action in the query, another in the form",
            form(target, &format!("{path}?wa=wsignout1.0"), &sign_in),
        ),
        of("context-long", "a context of 10 KB", raw(&format!("{sign_in}&wctx={}", "a".repeat(10_000)))),
    ]);
    let open = &target.open;
    if open != path && !target.takes_any_parameter {
        let why = "a message where nobody judges it";
        all.push(of("elsewhere", why, get(target, &format!("{open}?{sign_in}"), "")));
    }
    let sent = |xml: &[u8]| {
        let result = escaped(&String::from_utf8_lossy(xml));
        form(target, path, &format!("wa=wsignin1.0&wresult={result}"))
    };
    let result = |prologue: &str, inner: &str| {
        format!(
            "{prologue}<t:RequestSecurityTokenResponse xmlns:t='http://schemas.xmlsoap.org/ws/2005/02/trust'>\
             {inner}<t:RequestedSecurityToken/></t:RequestSecurityTokenResponse>"
        )
    };
    let hostile = hostile(&result).into_iter();
    all.extend(hostile.map(|document| {
        entry("wsfed", &format!("result-{}", document.name), document.why, sent(&document.xml))
    }));
    if !target.takes_unverified_results {
        let assertion = "<t:RequestedSecurityToken><saml:Assertion \
             xmlns:saml='urn:oasis:names:tc:SAML:1.0:assertion' MajorVersion='1' MinorVersion='1' \
             AssertionID='_postern-edge-probe' Issuer='https://nobody.invalid/' \
             IssueInstant='2020-01-01T00:00:00Z'/></t:RequestedSecurityToken>";
        let token = result("", "").replace("<t:RequestedSecurityToken/>", assertion);
        all.push(of("result-unsigned", "a token of nobody, unsigned", sent(token.as_bytes())));
        let why = "an answer without a token";
        all.push(of("result-without-token", why, sent(result("", "").as_bytes())));
    }
    all
}

//! SAML messages of nobody, broken in ways that parsers have fallen for.

use super::hostile_xml::{deflated, escaped, hostile, posted};
use super::{Entry, Target, entry, form, get};

const NAMESPACES: &str =
    "xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol' xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion'";

pub(super) fn entries(target: &Target) -> Vec<Entry> {
    let Some(path) = &target.saml else { return Vec::new() };
    let issuer = "<saml:Issuer>https://nobody.invalid/postern-edge-probe</saml:Issuer>";
    let message = |prologue: &str, inner: &str| {
        format!(
            "{prologue}<samlp:AuthnRequest {NAMESPACES} ID='_postern-edge-probe-0123456789' Version='2.0' \
             IssueInstant='2020-01-01T00:00:00Z'>{inner}</samlp:AuthnRequest>"
        )
    };
    let plain = message("", issuer);
    let redirect =
        |message: &[u8]| get(target, &format!("{path}?SAMLRequest={}", escaped(&deflated(message))), "");
    let raw = |query: &str| get(target, &format!("{path}?{query}"), "");
    let post = |message: &[u8]| form(target, path, &format!("SAMLRequest={}", posted(message)));
    let good = escaped(&deflated(plain.as_bytes()));
    let logout = format!(
        "<samlp:LogoutRequest {NAMESPACES} ID='_postern-edge-probe-0123456789' Version='2.0' \
         IssueInstant='2020-01-01T00:00:00Z'>{issuer}<saml:NameID>x</saml:NameID></samlp:LogoutRequest>"
    );
    let mut all = vec![
        entry("saml", "nobody", "a message of nobody who is registered", redirect(plain.as_bytes())),
        entry("saml", "nobody-post", "the same by POST", post(plain.as_bytes())),
        entry("saml", "nobodys-logout", "a logout request of nobody", redirect(logout.as_bytes())),
        entry("saml", "bomb", "a deflate bomb (CVE-2026-2575)", redirect(&vec![b' '; 8 << 20])),
        entry("saml", "bomb-post", "a large message by POST", post(&vec![b' '; 90_000])),
        entry(
            "saml",
            "comment",
            "a comment that cuts a name",
            redirect(
                message("", "<saml:Issuer>https://sp.example.com<!-- -->.invalid</saml:Issuer>").as_bytes(),
            ),
        ),
        entry("saml", "not-deflated", "base64 of nothing that inflates", raw("SAMLRequest=cG9zdGVybg%3D%3D")),
        entry("saml", "not-base64", "no base64", raw("SAMLRequest=%21%21%21")),
        entry("saml", "twice", "two messages", raw(&format!("SAMLRequest={good}&SAMLRequest={good}"))),
        entry(
            "saml",
            "request-and-response",
            "both kinds at once",
            raw(&format!("SAMLRequest={good}&SAMLResponse={good}")),
        ),
        entry(
            "saml",
            "signed-by-nobody",
            "a signature that is none",
            raw(&format!(
                "SAMLRequest={good}&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256&Signature=AAAA"
            )),
        ),
        entry(
            "saml",
            "sha1",
            "an algorithm that is broken",
            raw(&format!(
                "SAMLRequest={good}&SigAlg=http%3A%2F%2Fwww.w3.org%2F2000%2F09%2Fxmldsig%23rsa-sha1&Signature=AAAA"
            )),
        ),
        entry(
            "saml",
            "relay-state-long",
            "a RelayState of 10 KB",
            raw(&format!("SAMLRequest={good}&RelayState={}", "a".repeat(10_000))),
        ),
    ];
    // By the binding that leaves more room, and one of them by the other too.
    let hostile = hostile(&message);
    all.extend(
        hostile.iter().map(|document| entry("saml", document.name, document.why, post(&document.xml))),
    );
    let deflated = hostile.iter().filter(|document| document.name == "doctype");
    all.extend(
        deflated.map(|document| entry("saml", "doctype-deflated", document.why, redirect(&document.xml))),
    );
    all
}

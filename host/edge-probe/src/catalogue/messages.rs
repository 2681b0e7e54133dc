//! SAML messages of nobody, broken in ways that parsers have fallen for.

use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;

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
    let post = |message: &[u8]| {
        form(target, path, &format!("SAMLRequest={}", escaped(&BASE64_STANDARD.encode(message))))
    };
    let good = escaped(&deflated(plain.as_bytes()));
    let expansion = "<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>";
    let external = "<!DOCTYPE a [<!ENTITY a SYSTEM 'file:///etc/hostname'>]>";
    let logout = format!(
        "<samlp:LogoutRequest {NAMESPACES} ID='_postern-edge-probe-0123456789' Version='2.0' \
         IssueInstant='2020-01-01T00:00:00Z'>{issuer}<saml:NameID>x</saml:NameID></samlp:LogoutRequest>"
    );
    vec![
        entry("saml", "nobody", "a message of nobody who is registered", redirect(plain.as_bytes())),
        entry("saml", "nobody-post", "the same by POST", post(plain.as_bytes())),
        entry("saml", "nobodys-logout", "a logout request of nobody", redirect(logout.as_bytes())),
        entry("saml", "bomb", "a deflate bomb (CVE-2026-2575)", redirect(&vec![b' '; 8 << 20])),
        entry("saml", "bomb-post", "a large message by POST", post(&vec![b' '; 90_000])),
        entry(
            "saml",
            "entity-expansion",
            "an entity that expands",
            post(message(expansion, "&b;").as_bytes()),
        ),
        entry(
            "saml",
            "entity-external",
            "a file by an external entity",
            post(message(external, "&a;").as_bytes()),
        ),
        entry(
            "saml",
            "doctype",
            "a document type without a use",
            redirect(message("<!DOCTYPE a>", issuer).as_bytes()),
        ),
        entry(
            "saml",
            "comment",
            "a comment that cuts a name",
            redirect(
                message("", "<saml:Issuer>https://sp.example.com<!-- -->.invalid</saml:Issuer>").as_bytes(),
            ),
        ),
        entry(
            "saml",
            "depth",
            "deep nesting",
            post(format!("{}{}", "<a>".repeat(3_000), "</a>".repeat(3_000)).as_bytes()),
        ),
        entry(
            "saml",
            "attributes",
            "many attributes",
            post(
                format!("<a{}/>", (0..2_000).map(|index| format!(" a{index}=''")).collect::<String>())
                    .as_bytes(),
            ),
        ),
        entry("saml", "not-xml", "no XML", redirect(b"postern")),
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
    ]
}

/// As the Redirect binding has it.
fn deflated(message: &[u8]) -> String {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    // Writing to memory can't fail.
    let _ = encoder.write_all(message);
    BASE64_STANDARD.encode(encoder.finish().unwrap_or_default())
}

fn escaped(base64: &str) -> String {
    base64.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

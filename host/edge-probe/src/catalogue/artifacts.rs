//! ArtifactResolve of nobody, in SOAP: from server to server, and open to everybody who finds it.

use super::hostile_xml::hostile;
use super::{Entry, Target, entry, get, post};

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const TYPE: &str = "Content-Type: text/xml; charset=utf-8\r\n";
const NOBODY: &str = "<saml:Issuer>https://nobody.invalid/postern-edge-probe</saml:Issuer>";

pub(super) fn entries(target: &Target) -> Vec<Entry> {
    let Some(path) = &target.artifacts else { return Vec::new() };
    let message = |name: &str, inner: &str| {
        format!(
            "<samlp:{name} xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol' \
             xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion' ID='_postern-edge-probe-0123456789' \
             Version='2.0' IssueInstant='2020-01-01T00:00:00Z'>{NOBODY}{inner}</samlp:{name}>"
        )
    };
    let envelope = |header: &str, body: &str| {
        format!("<s:Envelope xmlns:s='{SOAP}'>{header}<s:Body>{body}</s:Body></s:Envelope>")
    };
    let artifact =
        "<samlp:Artifact>AAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=</samlp:Artifact>";
    let resolve = message("ArtifactResolve", artifact);
    let good = envelope("", &resolve);
    let sent = |xml: &str| post(target, path, TYPE, xml.as_bytes());
    let typed = |headers: &str, body: &str| post(target, path, headers, body.as_bytes());
    let of = |name, why, bytes| entry("artifact", name, why, bytes);
    let logout = message("LogoutRequest", "<saml:NameID>x</saml:NameID>");
    let mut all = vec![
        of("nobody", "an artifact asked for by nobody who is registered", sent(&good)),
        of("get", "a method of no SOAP", get(target, path, "")),
        of(
            "query",
            "a query beside the envelope",
            post(target, &format!("{path}?wsdl"), TYPE, good.as_bytes()),
        ),
        of(
            "header",
            "a SOAP header, which nobody judged",
            sent(&envelope("<s:Header><a/></s:Header>", &resolve)),
        ),
        of("two-messages", "two messages in one body", sent(&envelope("", &format!("{resolve}{resolve}")))),
        of("no-message", "a body without a message", sent(&envelope("", ""))),
        of("no-envelope", "a message without an envelope", sent(&resolve)),
        of("two-bodies", "a second body", sent(&good.replace("</s:Envelope>", "<s:Body/></s:Envelope>"))),
        of("soap-12", "another SOAP", sent(&good.replace(SOAP, "http://www.w3.org/2003/05/soap-envelope"))),
        of("type-soap-12", "another type", typed("Content-Type: application/soap+xml\r\n", &good)),
        of("type-form", "a form", typed("Content-Type: application/x-www-form-urlencoded\r\n", &good)),
        of("type-none", "a body of no type", typed("", &good)),
        of(
            "charset",
            "another charset is another text",
            typed("Content-Type: text/xml; charset=utf-16\r\n", &good),
        ),
        of(
            "compressed",
            "a body that is judged by nobody",
            typed(&format!("{TYPE}Content-Encoding: gzip\r\n"), &good),
        ),
        of(
            "action",
            "an operation of another service",
            typed(&format!("{TYPE}SOAPAction: \"urn:addUser\"\r\n"), &good),
        ),
        of("authn-request", "another message", sent(&envelope("", &message("AuthnRequest", "")))),
        of("logout-request", "single logout by SOAP", sent(&envelope("", &logout))),
        of(
            "artifact-short",
            "an artifact that is none",
            sent(&good.replace(artifact, "<samlp:Artifact>AAQA</samlp:Artifact>")),
        ),
        of("artifact-twice", "two artifacts", sent(&good.replace(artifact, &artifact.repeat(2)))),
        of("large", "a large envelope", sent(&envelope("", &" ".repeat(200_000)))),
    ];
    let within = |prologue: &str, inner: &str| {
        format!("{prologue}{}", envelope("", &message("ArtifactResolve", &format!("{artifact}{inner}"))))
    };
    let hostile = hostile(&within).into_iter();
    all.extend(
        hostile.map(|document| of(document.name, document.why, post(target, path, TYPE, &document.xml))),
    );
    all
}

//! A message in a SOAP 1.1 envelope (SAML bindings section 3.2).
use postern_refusal::Refusal;
use postern_xml::Document;

use crate::MessageLimits;

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// What SOAPAction is when it says anything (SAML bindings section 3.2.2.1).
const ACTION: &str = "http://www.oasis-open.org/committees/security";

/// Takes the document out of a POST: the envelope has a Body and nothing else, and the Body one child.
///
/// Header is refused whatever is in it: SAML needs none, and what a stack in the LAN makes of a block
/// that was not judged here is unknown.
///
/// # Errors
/// `saml.soap.query`, `saml.soap.content-type`, `saml.soap.action`, `saml.message.too-large`, `xml.*`,
/// `saml.soap.envelope`, `saml.soap.header`, `saml.soap.body`.
pub(crate) fn read_soap<'b>(
    query: &[u8],
    content_type: &str,
    action: Option<&str>,
    body: &'b [u8],
    limits: &MessageLimits,
) -> Result<Document<'b>, Refusal> {
    if !query.is_empty() {
        return Err(Refusal::misbehaved("saml.soap.query").at("query").expected("none"));
    }
    check_content_type(content_type)?;
    check_action(action)?;
    if body.len() > limits.max_body {
        return Err(Refusal::misbehaved("saml.message.too-large")
            .at("body")
            .expected(&format!("{} bytes at most", limits.max_body))
            .found(&body.len().to_string()));
    }
    let envelope = Document::read(body, &limits.xml())?;
    let wrong = |code, at: &str, expected: &str| Refusal::misbehaved(code).at(at).expected(expected);
    if !envelope.is(SOAP, "Envelope") {
        return Err(
            wrong("saml.soap.envelope", "Envelope", "an envelope of SOAP 1.1").found(&envelope.root_name())
        );
    }
    if envelope.has_child(SOAP, "Header") {
        return Err(wrong("saml.soap.header", "Header", "an envelope without a Header"));
    }
    let body = envelope.into_only_child().filter(|body| body.is(SOAP, "Body"));
    let body = body
        .ok_or_else(|| wrong("saml.soap.envelope", "Envelope", "a Body and nothing else, no attributes"))?;
    body.into_only_child()
        .ok_or_else(|| wrong("saml.soap.body", "Body", "one message and nothing else, no attributes"))
}

/// `text/xml`, in UTF-8 when it says so: the bytes are read as UTF-8.
fn check_content_type(content_type: &str) -> Result<(), Refusal> {
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let charset = parameters.trim().to_ascii_lowercase();
    let is_utf8 = matches!(charset.as_str(), "" | "charset=utf-8" | "charset=\"utf-8\"");
    if essence.trim_end().eq_ignore_ascii_case("text/xml") && is_utf8 {
        return Ok(());
    }
    Err(Refusal::misbehaved("saml.soap.content-type")
        .with_status(415)
        .at("content-type")
        .expected("text/xml in UTF-8")
        .found(content_type))
}

/// A responder must not depend on the value (section 3.2.2.1), but stacks dispatch by it: none, an empty
/// one, or SAML's.
fn check_action(action: Option<&str>) -> Result<(), Refusal> {
    let Some(action) = action else { return Ok(()) };
    let bare = action.strip_prefix('"').and_then(|bare| bare.strip_suffix('"')).unwrap_or(action);
    if matches!(bare, "" | ACTION) {
        return Ok(());
    }
    Err(Refusal::misbehaved("saml.soap.action").at("SOAPAction").expected(ACTION).found(action))
}

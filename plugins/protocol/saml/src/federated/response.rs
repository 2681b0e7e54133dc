use std::rc::Rc;

use postern_refusal::Refusal;
use postern_signature::Verifier;
use postern_xml::{Document, Element, Place, SignedParts, Trust};

use super::assertion::{Answers, Expected, check_assertion};
use super::{AssertionConsumer, IdentityProvider};
use crate::authn_request::{check_version, id, issue_instant, issuer};
use crate::binding::read_posted_response;
use crate::identifier::is_identifier;
use crate::judge::{check_destination, check_time};
use crate::names::{ASSERTION, PROTOCOL};
use crate::shape::Shape;
use crate::{Once, Policy};

const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";
pub(super) const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
/// Where the schema has a signature in both.
pub(super) const AFTER_ISSUER: Place<'_> = Place::After { namespace: ASSERTION, local: "Issuer" };

/// Who is federated, and how Responses are judged.
pub(crate) struct Federation<'f> {
    pub(crate) consumer: &'f AssertionConsumer,
    pub(crate) lookup: &'f dyn Fn(&str) -> Option<Rc<IdentityProvider>>,
    pub(crate) policy: &'f Policy,
    pub(crate) now: u64,
    pub(crate) verifier: &'f dyn Verifier,
}

/// A Response that may go on to the LAN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedResponse {
    /// ID.
    pub id: String,
    /// The identity provider's entity ID.
    pub entity_id: String,
    /// InResponseTo. Whether it answers a request that was sent is for whoever sent it to tell.
    pub in_response_to: Option<String>,
    /// RelayState.
    pub relay_state: Option<String>,
    /// Whether its status is Success.
    pub success: bool,
    /// What is signed and may not come again: the Response, its Assertions, or both.
    pub once: Vec<Once>,
}

const RESPONSE: Shape<'_> = Shape {
    codes: ["saml.response.attribute", "saml.response.child", "saml.response.text"],
    attributes: &["ID", "InResponseTo", "Version", "IssueInstant", "Destination", "Consent"],
    // Assertions have been taken out.
    children: &[
        (ASSERTION, "Issuer", 1),
        (PROTOCOL, "Extensions", 1),
        (PROTOCOL, "Status", 1),
        (ASSERTION, "EncryptedAssertion", usize::MAX),
    ],
    then: &[],
};

const ENCRYPTED: Shape<'_> = Shape {
    codes: ["saml.response.encrypted", "saml.response.encrypted", "saml.response.encrypted"],
    attributes: &[],
    children: &[(XENC, "EncryptedData", 1), (XENC, "EncryptedKey", 4)],
    then: &[],
};

/// Judges a form that was posted to the consumer service: form, base64, XML, kind of message, issuer,
/// number of assertions, signatures, shape, destination, time, what it answers, status, and each
/// assertion.
///
/// # Errors
/// The first rule that is broken: `saml.response.*`, `saml.assertion.*`, `form.*`, `xml.*`, and those
/// that every message has.
pub(crate) fn judge_response(
    query: &[u8],
    body: &[u8],
    federation: &Federation<'_>,
) -> Result<JudgedResponse, Refusal> {
    read_response(query, body, federation).map(|read| read.judged)
}

/// A Response that was judged, with what of it is signed.
pub(crate) struct ReadResponse {
    pub(crate) judged: JudgedResponse,
    pub(crate) provider: Rc<IdentityProvider>,
    /// The Response without its Assertions. To be believed only when `is_whole`, but for its Status.
    pub(crate) frame: Element,
    /// Whether the Response is signed.
    pub(crate) is_whole: bool,
    /// Its Assertions, each judged.
    pub(crate) assertions: Vec<Element>,
}

/// The same, for who goes on to read what the Assertions say.
pub(crate) fn read_response(
    query: &[u8],
    body: &[u8],
    federation: &Federation<'_>,
) -> Result<ReadResponse, Refusal> {
    if !query.is_empty() {
        return Err(Refusal::misbehaved("saml.post.query").at("query").expected("none with a POST"));
    }
    let limits = &federation.policy.limits;
    let carried = read_posted_response(body, limits)?;
    let document = Document::read(&carried.xml, &limits.xml())?;
    if !document.is(PROTOCOL, "Response") {
        return Err(Refusal::incompatible("saml.response.kind")
            .at("SAMLResponse")
            .expected("Response")
            .found(&document.root_name()));
    }
    judge_document(document, carried.relay_state, federation)
}

fn judge_document(
    document: Document<'_>,
    relay_state: Option<String>,
    federation: &Federation<'_>,
) -> Result<ReadResponse, Refusal> {
    let Federation { policy, now, .. } = *federation;
    let claimed = document.claimed_child_text(ASSERTION, "Issuer").unwrap_or_default();
    let provider = (federation.lookup)(&claimed).filter(|provider| provider.entity_id == claimed);
    let provider = provider.ok_or_else(|| unknown_provider(&claimed))?;
    let plain = document.count(ASSERTION, "Assertion");
    let all = plain.saturating_add(document.count(ASSERTION, "EncryptedAssertion"));
    if all > provider.max_assertions {
        return Err(wrong("saml.response.assertions", "Response", "fewer assertions").found(&all.to_string()));
    }
    let keys = provider.keys();
    let trust = Trust { keys: &keys, algorithms: &policy.algorithms };
    let signed =
        document.verify_parts((ASSERTION, "Assertion"), AFTER_ISSUER, &trust, federation.verifier)?;
    let frame = &signed.frame;
    RESPONSE.check(frame)?;
    check_version(frame)?;
    check_provider(&issuer(frame)?, &provider)?;
    let id = id(frame)?;
    check_destination(&federation.consumer.urls, frame.attribute("Destination"), signed.is_whole)?;
    let until = check_time(policy, now, issue_instant(frame)?)?;
    let in_response_to = in_response_to(frame, &provider)?;
    let success = status(frame)?;
    let encrypted = encrypted(frame, &provider, signed.is_whole)?;
    if encrypted.saturating_add(plain) != all || (success && all == 0) || (!success && all > 0) {
        let expected = "assertions with Success, as children of the Response, and none without";
        return Err(wrong("saml.response.assertions", "Response", expected).found(&all.to_string()));
    }
    let mut once = Vec::new();
    let remembered = |id: &str, until| Once { key: format!("{id} {claimed}"), until, signed: true };
    if signed.is_whole {
        once.push(remembered(&id, until));
    }
    let expected = Expected {
        provider: &provider,
        audiences: core::slice::from_ref(&federation.consumer.entity_id),
        recipients: &federation.consumer.urls,
        answers: Answers::Request(in_response_to.as_deref()),
        policy,
        now,
    };
    for assertion in &signed.parts {
        let (id, until) = check_assertion(assertion, &expected)?;
        once.push(remembered(&id, until));
    }
    let judged =
        JudgedResponse { id, entity_id: claimed.clone(), in_response_to, relay_state, success, once };
    let SignedParts { frame, is_whole, parts: assertions } = signed;
    Ok(ReadResponse { judged, provider, frame, is_whole, assertions })
}

fn in_response_to(frame: &Element, provider: &IdentityProvider) -> Result<Option<String>, Refusal> {
    match frame.attribute("InResponseTo") {
        Some(request) if is_identifier(request) => Ok(Some(request.to_owned())),
        Some(other) => {
            Err(wrong("saml.response.in-response-to", "InResponseTo", "the ID of a request").found(other))
        }
        None if provider.allows_unsolicited => Ok(None),
        None => Err(wrong("saml.response.unsolicited", "InResponseTo", "the answer to a request")),
    }
}

/// Whether it is Success (SAML core section 3.2.2.2).
fn status(frame: &Element) -> Result<bool, Refusal> {
    let code = frame
        .elements_named(PROTOCOL, "Status")
        .next()
        .and_then(|status| status.elements_named(PROTOCOL, "StatusCode").next())
        .and_then(|code| code.attribute("Value"))
        .unwrap_or_default();
    match code.strip_prefix(STATUS) {
        Some("Success") => Ok(true),
        Some("Requester" | "Responder" | "VersionMismatch") => Ok(false),
        _ => Err(wrong("saml.response.status", "StatusCode", "a status of the top level").found(code)),
    }
}

fn encrypted(frame: &Element, provider: &IdentityProvider, is_whole: bool) -> Result<usize, Refusal> {
    let mut number = 0_usize;
    for assertion in frame.elements_named(ASSERTION, "EncryptedAssertion") {
        number = number.saturating_add(1);
        if !provider.accepts_encrypted_assertions {
            return Err(Refusal::incompatible("saml.response.encrypted-not-accepted")
                .at("EncryptedAssertion")
                .expected("an assertion that can be read here"));
        }
        if !is_whole {
            let expected = "a signature of the Response around it";
            return Err(wrong("saml.response.encrypted-unsigned", "EncryptedAssertion", expected));
        }
        ENCRYPTED.check(assertion)?;
        if assertion.elements_named(XENC, "EncryptedData").next().is_none() {
            return Err(wrong("saml.response.encrypted", "EncryptedAssertion", "EncryptedData"));
        }
    }
    Ok(number)
}

pub(super) fn check_provider(issuer: &str, provider: &IdentityProvider) -> Result<(), Refusal> {
    if issuer == provider.entity_id { Ok(()) } else { Err(unknown_provider(issuer)) }
}

pub(super) fn unknown_provider(found: &str) -> Refusal {
    wrong("saml.identity-provider.unknown", "Issuer", "a registered identity provider").found(found)
}

pub(super) fn wrong(code: &'static str, at: &str, expected: &str) -> Refusal {
    Refusal::misbehaved(code).at(at).expected(expected)
}

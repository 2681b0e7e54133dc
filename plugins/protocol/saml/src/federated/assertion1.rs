//! An Assertion of SAML 1.1 whose signature is good (oasis-sstc-saml-core-1.1 section 2.3), as a token of
//! WS-Federation.
use postern_refusal::Refusal;
use postern_xml::Element;

use super::assertion::{CODES, Expected, authentication_instant, check_audience, validity};
use super::response::{check_provider, wrong};
use crate::authn_request::issue_instant;
use crate::identifier::is_identifier;
use crate::judge::check_time;
use crate::shape::Shape;

/// The namespace of SAML 1.0 and 1.1.
pub(super) const SAML1: &str = "urn:oasis:names:tc:SAML:1.0:assertion";
const BEARER: &str = "urn:oasis:names:tc:SAML:1.0:cm:bearer";

/// The signature, which is the last child, has been taken out. Advice and AuthorizationDecisionStatement are
/// the schema's, and nobody here sends them.
const SHAPE: Shape<'_> = Shape {
    codes: CODES,
    attributes: &["MajorVersion", "MinorVersion", "AssertionID", "Issuer", "IssueInstant"],
    children: &[(SAML1, "Conditions", 1)],
    then: &[(SAML1, "AuthenticationStatement"), (SAML1, "AttributeStatement")],
};
const CONDITIONS: Shape<'_> = Shape {
    codes: CODES,
    attributes: &["NotBefore", "NotOnOrAfter"],
    children: &[],
    then: &[(SAML1, "AudienceRestrictionCondition"), (SAML1, "DoNotCacheCondition")],
};
/// AuthorityBinding would send somebody elsewhere with questions.
const AUTHENTICATION: Shape<'_> = Shape {
    codes: CODES,
    attributes: &["AuthenticationMethod", "AuthenticationInstant"],
    children: &[(SAML1, "Subject", 1), (SAML1, "SubjectLocality", 1)],
    then: &[],
};
const ATTRIBUTES: Shape<'_> = Shape {
    codes: CODES,
    attributes: &[],
    children: &[(SAML1, "Subject", 1)],
    then: &[(SAML1, "Attribute")],
};
const SUBJECT: Shape<'_> = Shape {
    codes: CODES,
    attributes: &[],
    children: &[(SAML1, "NameIdentifier", 1), (SAML1, "SubjectConfirmation", 1)],
    then: &[],
};
/// SubjectConfirmationData and KeyInfo belong to other methods than bearer.
const CONFIRMATION: Shape<'_> =
    Shape { codes: CODES, attributes: &[], children: &[(SAML1, "ConfirmationMethod", 1)], then: &[] };

/// Checks it, and tells its ID and until when it would be accepted again, in seconds since 1970.
///
/// # Errors
/// `saml.assertion.*`, `wsfed.token.subject`, and those that every message has.
pub(super) fn check_assertion1(
    assertion: &Element,
    expected: &Expected<'_>,
) -> Result<(String, u64), Refusal> {
    SHAPE.check(assertion)?;
    check_version(assertion)?;
    check_provider(assertion.attribute("Issuer").unwrap_or_default(), expected.provider)?;
    let id = assertion.attribute("AssertionID").unwrap_or_default();
    if !is_identifier(id) {
        let expected = "an NCName of 8 to 256 bytes";
        return Err(wrong("saml.id.malformed", "AssertionID", expected).found(id));
    }
    let until = check_time(expected.policy, expected.now, issue_instant(assertion)?)?;
    conditions(assertion, expected)?;
    statements(assertion, expected)?;
    Ok((id.to_owned(), until))
}

fn check_version(assertion: &Element) -> Result<(), Refusal> {
    let version = ["MajorVersion", "MinorVersion"].map(|name| assertion.attribute(name).unwrap_or_default());
    if version == ["1", "1"] {
        return Ok(());
    }
    Err(Refusal::incompatible("saml.version.unsupported")
        .at("MinorVersion")
        .expected("1.1")
        .found(&version.join(".")))
}

fn conditions(assertion: &Element, expected: &Expected<'_>) -> Result<(), Refusal> {
    let missing = || wrong("saml.assertion.audience", "Conditions", "an AudienceRestrictionCondition");
    let conditions = assertion.elements_named(SAML1, "Conditions").next().ok_or_else(missing)?;
    CONDITIONS.check(conditions)?;
    validity(conditions, expected)?;
    let mut restricted = false;
    for restriction in conditions.elements_named(SAML1, "AudienceRestrictionCondition") {
        restricted = true;
        check_audience(restriction.elements_named(SAML1, "Audience"), expected)?;
    }
    if restricted { Ok(()) } else { Err(missing()) }
}

/// Each statement has a subject: all of them the same, confirmed by bearer.
fn statements(assertion: &Element, expected: &Expected<'_>) -> Result<(), Refusal> {
    let mut authenticated = false;
    let mut first: Option<&Element> = None;
    for statement in assertion.elements().filter(|child| !child.name.is(SAML1, "Conditions")) {
        if statement.name.is(SAML1, "AuthenticationStatement") {
            AUTHENTICATION.check(statement)?;
            authentication_instant(statement, "AuthenticationInstant", expected)?;
            authenticated = true;
        } else {
            ATTRIBUTES.check(statement)?;
        }
        let subject = statement.elements_named(SAML1, "Subject").next();
        let subject = subject
            .ok_or_else(|| wrong("wsfed.token.subject", "Subject", "the same subject in each statement"))?;
        confirmed(subject)?;
        // Which statement a reader takes the name from is its own affair.
        if *first.get_or_insert(subject) != subject {
            return Err(wrong("wsfed.token.subject", "Subject", "the same subject in each statement"));
        }
    }
    if authenticated {
        Ok(())
    } else {
        Err(wrong("saml.assertion.statement", "Assertion", "an AuthenticationStatement"))
    }
}

fn confirmed(subject: &Element) -> Result<(), Refusal> {
    SUBJECT.check(subject)?;
    let missing = || wrong("saml.assertion.confirmation", "Subject", "a bearer confirmation");
    let confirmation = subject.elements_named(SAML1, "SubjectConfirmation").next().ok_or_else(missing)?;
    CONFIRMATION.check(confirmation)?;
    let method = confirmation.elements_named(SAML1, "ConfirmationMethod").next().and_then(Element::text);
    match method.as_deref() {
        Some(BEARER) => Ok(()),
        method => Err(wrong("saml.assertion.confirmation", "ConfirmationMethod", BEARER)
            .found(method.unwrap_or_default())),
    }
}

//! An Assertion whose signature, or that of the Response around it, is good (SAML core section 2.3.3,
//! profiles section 4.1.4.2).
use postern_refusal::Refusal;
use postern_xml::Element;

use super::response::{check_provider, wrong};
use super::{AssertionConsumer, IdentityProvider};
use crate::authn_request::{check_version, id, issue_instant, issuer};
use crate::judge::check_time;
use crate::names::{ASSERTION, BEARER};
use crate::shape::Shape;
use crate::{Policy, format_instant, parse_instant};

/// Most confirmations of one subject.
const MAX_CONFIRMATIONS: usize = 4;

/// What an Assertion is held against.
pub(super) struct Expected<'e> {
    pub(super) provider: &'e IdentityProvider,
    pub(super) consumer: &'e AssertionConsumer,
    /// InResponseTo of the Response.
    pub(super) in_response_to: Option<&'e str>,
    pub(super) policy: &'e Policy,
    pub(super) now: u64,
}

const CODES: [&str; 3] = ["saml.assertion.attribute", "saml.assertion.child", "saml.assertion.text"];

/// Advice and AuthzDecisionStatement are the schema's, and nobody here sends them.
const SHAPE: Shape<'_> = Shape {
    codes: CODES,
    attributes: &["ID", "Version", "IssueInstant"],
    children: &[(ASSERTION, "Issuer", 1), (ASSERTION, "Subject", 1), (ASSERTION, "Conditions", 1)],
    then: &[(ASSERTION, "AuthnStatement"), (ASSERTION, "AttributeStatement")],
};
const SUBJECT: Shape<'_> = Shape {
    codes: CODES,
    attributes: &[],
    children: &[
        (ASSERTION, "NameID", 1),
        (ASSERTION, "EncryptedID", 1),
        (ASSERTION, "SubjectConfirmation", MAX_CONFIRMATIONS),
    ],
    then: &[],
};
/// A NameID of a confirmation would name somebody else than the subject.
const CONFIRMATION: Shape<'_> = Shape {
    codes: CODES,
    attributes: &["Method"],
    children: &[(ASSERTION, "SubjectConfirmationData", 1)],
    then: &[],
};
/// NotBefore must not be there (profiles section 4.1.4.2); it has a reason code of its own.
const CONFIRMATION_DATA: Shape<'_> = Shape {
    codes: CODES,
    attributes: &["NotBefore", "NotOnOrAfter", "Recipient", "InResponseTo", "Address"],
    children: &[],
    then: &[],
};
const CONDITIONS: Shape<'_> = Shape {
    codes: CODES,
    attributes: &["NotBefore", "NotOnOrAfter"],
    children: &[],
    then: &[(ASSERTION, "AudienceRestriction"), (ASSERTION, "OneTimeUse"), (ASSERTION, "ProxyRestriction")],
};

/// Checks it, and tells its ID and until when it would be accepted again, in seconds since 1970.
///
/// # Errors
/// `saml.assertion.*`, and those that every message has.
pub(super) fn check_assertion(
    assertion: &Element,
    expected: &Expected<'_>,
) -> Result<(String, u64), Refusal> {
    SHAPE.check(assertion)?;
    check_version(assertion)?;
    check_provider(&issuer(assertion)?, expected.provider)?;
    let id = id(assertion)?;
    let fresh_until = check_time(expected.policy, expected.now, issue_instant(assertion)?)?;
    let confirmed_until = subject(assertion, expected)?;
    conditions(assertion, expected)?;
    statements(assertion, expected)?;
    Ok((id, fresh_until.min(confirmed_until)))
}

fn subject(assertion: &Element, expected: &Expected<'_>) -> Result<u64, Refusal> {
    let missing = || wrong("saml.assertion.confirmation", "Subject", "a bearer confirmation");
    let subject = assertion.elements_named(ASSERTION, "Subject").next().ok_or_else(missing)?;
    SUBJECT.check(subject)?;
    let mut until = None;
    for confirmation in subject.elements_named(ASSERTION, "SubjectConfirmation") {
        CONFIRMATION.check(confirmation)?;
        let method = confirmation.attribute("Method").unwrap_or_default();
        if method != BEARER {
            return Err(wrong("saml.assertion.confirmation", "Method", BEARER).found(method));
        }
        let data = confirmation.elements_named(ASSERTION, "SubjectConfirmationData").next();
        let end = confirmation_data(data.ok_or_else(missing)?, expected)?;
        until = Some(until.map_or(end, |until: u64| until.max(end)));
    }
    until.ok_or_else(missing)
}

/// Every confirmation is good: which of them the LAN takes is not known here.
fn confirmation_data(data: &Element, expected: &Expected<'_>) -> Result<u64, Refusal> {
    let at = "SubjectConfirmationData";
    CONFIRMATION_DATA.check(data)?;
    if !data.children.is_empty() && data.text().is_none_or(|text| !text.trim().is_empty()) {
        return Err(wrong("saml.assertion.text", at, "an empty element"));
    }
    if data.attribute("NotBefore").is_some() {
        return Err(wrong("saml.assertion.confirmation-not-before", at, "no NotBefore"));
    }
    let recipient = data.attribute("Recipient").unwrap_or_default();
    if !expected.consumer.urls.iter().any(|url| url == recipient) {
        return Err(wrong("saml.assertion.recipient", "Recipient", "our consumer service").found(recipient));
    }
    let answered = data.attribute("InResponseTo");
    if answered != expected.in_response_to {
        return Err(wrong("saml.assertion.in-response-to", "InResponseTo", "that of the Response")
            .found(answered.unwrap_or("none")));
    }
    let end = instant(data, "NotOnOrAfter")?
        .ok_or_else(|| wrong("saml.assertion.confirmation-end", at, "NotOnOrAfter"))?;
    not_over(end, at, expected)
}

fn conditions(assertion: &Element, expected: &Expected<'_>) -> Result<(), Refusal> {
    let missing = || wrong("saml.assertion.audience", "Conditions", "an AudienceRestriction");
    let conditions = assertion.elements_named(ASSERTION, "Conditions").next().ok_or_else(missing)?;
    CONDITIONS.check(conditions)?;
    if let Some(begin) = instant(conditions, "NotBefore")?
        && begin > expected.now.saturating_add(expected.policy.clock_skew)
    {
        return Err(wrong("saml.assertion.not-yet", "NotBefore", "an instant that has passed")
            .found(&format_instant(begin).unwrap_or_default()));
    }
    if let Some(end) = instant(conditions, "NotOnOrAfter")? {
        not_over(end, "Conditions", expected)?;
    }
    let mut restricted = false;
    for restriction in conditions.elements_named(ASSERTION, "AudienceRestriction") {
        restricted = true;
        let ours =
            |audience: &Element| audience.text().is_some_and(|text| text == expected.consumer.entity_id);
        if !restriction.elements_named(ASSERTION, "Audience").any(ours) {
            let found = restriction.elements().next().and_then(Element::text).unwrap_or_default();
            return Err(
                wrong("saml.assertion.audience", "Audience", &expected.consumer.entity_id).found(&found)
            );
        }
    }
    if restricted { Ok(()) } else { Err(missing()) }
}

fn statements(assertion: &Element, expected: &Expected<'_>) -> Result<(), Refusal> {
    let mut authenticated = false;
    for statement in assertion.elements_named(ASSERTION, "AuthnStatement") {
        authenticated = true;
        let begun = instant(statement, "AuthnInstant")?;
        let latest = expected.now.saturating_add(expected.policy.clock_skew);
        if begun.is_none_or(|begun| begun > latest) {
            let found = statement.attribute("AuthnInstant").unwrap_or_default();
            return Err(wrong("saml.assertion.authn-instant", "AuthnInstant", "an instant that has passed")
                .found(found));
        }
        if let Some(end) = instant(statement, "SessionNotOnOrAfter")? {
            not_over(end, "AuthnStatement", expected)?;
        }
    }
    if authenticated {
        Ok(())
    } else {
        Err(wrong("saml.assertion.statement", "Assertion", "an AuthnStatement"))
    }
}

/// Until when it holds, with the skew.
fn not_over(end: u64, at: &str, expected: &Expected<'_>) -> Result<u64, Refusal> {
    let until = end.saturating_add(expected.policy.clock_skew);
    if until <= expected.now {
        return Err(wrong("saml.assertion.expired", at, "an instant to come")
            .found(&format_instant(end).unwrap_or_default()));
    }
    Ok(until)
}

fn instant(element: &Element, name: &str) -> Result<Option<u64>, Refusal> {
    let Some(text) = element.attribute(name) else { return Ok(None) };
    let malformed = || wrong("saml.assertion.instant", name, "an instant in UTC").found(text);
    parse_instant(text).map(Some).ok_or_else(malformed)
}

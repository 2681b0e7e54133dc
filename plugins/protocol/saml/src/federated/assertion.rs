//! An Assertion whose signature, or that of the Response around it, is good (SAML core section 2.3.3,
//! profiles section 4.1.4.2).
use postern_refusal::Refusal;
use postern_xml::Element;

use super::IdentityProvider;
use super::response::{check_provider, wrong};
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
    /// Our names: the Audience is one of them.
    pub(super) audiences: &'e [String],
    /// Where it may have been sent.
    pub(super) recipients: &'e [String],
    pub(super) answers: Answers<'e>,
    pub(super) policy: &'e Policy,
    pub(super) now: u64,
}

/// What it answers.
#[derive(Clone, Copy)]
pub(super) enum Answers<'e> {
    /// A request of SAML: this is InResponseTo of the Response, which says the same where and until when.
    Request(Option<&'e str>),
    /// None that it could name: it is a token of WS-Federation, whose confirmation may say nothing more.
    Nothing,
}

pub(super) const CODES: [&str; 3] =
    ["saml.assertion.attribute", "saml.assertion.child", "saml.assertion.text"];

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
        let end = match (data, expected.answers) {
            (Some(data), _) => confirmation_data(data, expected)?,
            (None, Answers::Nothing) => u64::MAX,
            (None, Answers::Request(_)) => return Err(missing()),
        };
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
    let is_token = matches!(expected.answers, Answers::Nothing);
    let recipient = data.attribute("Recipient");
    let is_ours = |recipient: &str| expected.recipients.iter().any(|url| url == recipient);
    if !recipient.map_or(is_token, is_ours) {
        return Err(wrong("saml.assertion.recipient", "Recipient", "our consumer service")
            .found(recipient.unwrap_or("none")));
    }
    let answered = data.attribute("InResponseTo");
    let request = match expected.answers {
        Answers::Request(request) => request,
        Answers::Nothing => None,
    };
    if answered != request {
        return Err(wrong("saml.assertion.in-response-to", "InResponseTo", "that of the Response")
            .found(answered.unwrap_or("none")));
    }
    match instant(data, "NotOnOrAfter")? {
        Some(end) => not_over(end, at, expected),
        None if is_token => Ok(u64::MAX),
        None => Err(wrong("saml.assertion.confirmation-end", at, "NotOnOrAfter")),
    }
}

fn conditions(assertion: &Element, expected: &Expected<'_>) -> Result<(), Refusal> {
    let missing = || wrong("saml.assertion.audience", "Conditions", "an AudienceRestriction");
    let conditions = assertion.elements_named(ASSERTION, "Conditions").next().ok_or_else(missing)?;
    CONDITIONS.check(conditions)?;
    validity(conditions, expected)?;
    let mut restricted = false;
    for restriction in conditions.elements_named(ASSERTION, "AudienceRestriction") {
        restricted = true;
        check_audience(restriction.elements_named(ASSERTION, "Audience"), expected)?;
    }
    if restricted { Ok(()) } else { Err(missing()) }
}

/// NotBefore and NotOnOrAfter of the conditions.
pub(super) fn validity(conditions: &Element, expected: &Expected<'_>) -> Result<(), Refusal> {
    if let Some(begin) = instant(conditions, "NotBefore")?
        && begin > expected.now.saturating_add(expected.policy.clock_skew)
    {
        return Err(wrong("saml.assertion.not-yet", "NotBefore", "an instant that has passed")
            .found(&format_instant(begin).unwrap_or_default()));
    }
    if let Some(end) = instant(conditions, "NotOnOrAfter")? {
        not_over(end, "Conditions", expected)?;
    }
    Ok(())
}

/// One of them is ours.
pub(super) fn check_audience<'a>(
    audiences: impl Iterator<Item = &'a Element>,
    expected: &Expected<'_>,
) -> Result<(), Refusal> {
    let named: Vec<String> = audiences.filter_map(Element::text).collect();
    if named.iter().any(|audience| expected.audiences.contains(audience)) {
        return Ok(());
    }
    let found = named.into_iter().next().unwrap_or_default();
    Err(wrong("saml.assertion.audience", "Audience", &expected.audiences.join(" or ")).found(&found))
}

/// An instant that has passed.
pub(super) fn authentication_instant(
    statement: &Element,
    name: &str,
    expected: &Expected<'_>,
) -> Result<(), Refusal> {
    let begun = instant(statement, name)?;
    let latest = expected.now.saturating_add(expected.policy.clock_skew);
    if begun.is_none_or(|begun| begun > latest) {
        let found = statement.attribute(name).unwrap_or_default();
        return Err(wrong("saml.assertion.authn-instant", name, "an instant that has passed").found(found));
    }
    Ok(())
}

fn statements(assertion: &Element, expected: &Expected<'_>) -> Result<(), Refusal> {
    let mut authenticated = false;
    for statement in assertion.elements_named(ASSERTION, "AuthnStatement") {
        authenticated = true;
        authentication_instant(statement, "AuthnInstant", expected)?;
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

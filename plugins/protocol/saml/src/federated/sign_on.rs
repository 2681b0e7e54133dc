//! The Response that answers our AuthnRequest, at whom it was sent to (SAML profiles section 4.1.4.3).
use std::rc::Rc;

use postern_refusal::Refusal;
use postern_signature::Verifier;
use postern_xml::{Document, Element, Trust};

use super::assertion::{Answers, Expected, check_assertion};
use super::consumed::{AssertedPerson, Qualifiers, asserted_person};
use super::encrypted::{Decryptor, encrypted_content};
use super::response::{AFTER_ISSUER, Federation, ReadResponse, read_response, wrong};
use super::{AssertionConsumer, IdentityProvider};
use crate::names::{ASSERTION, PROTOCOL};
use crate::{Policy, format_instant};

/// What a Response is held against.
pub struct ExpectedSignOn<'e> {
    /// Our entity ID as a service provider, and the URL where the Response came in.
    pub entity_id: &'e str,
    /// See `entity_id`.
    pub consumer_url: &'e str,
    /// Whom the request was sent to: nobody else may answer it.
    pub provider: &'e IdentityProvider,
    /// ID of the AuthnRequest.
    pub request_id: &'e str,
    /// When the person has to have proven who they are, at the earliest (AuthnInstant), in seconds since 1970. None:
    /// nothing of the kind was asked for.
    pub authenticated_since: Option<u64>,
    /// Seconds that may lie between that and now. None: as many as there are.
    pub max_age: Option<u64>,
    /// Skew, age, sizes and signature algorithms.
    pub policy: &'e Policy,
    /// Now, seconds since 1970.
    pub now: u64,
    /// Verifies signatures.
    pub verifier: &'e dyn Verifier,
    /// Has the key that Assertions are encrypted for. None: none is taken.
    pub decryptor: Option<&'e dyn Decryptor>,
}

/// What the identity provider answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignOnAnswer {
    /// It vouches for somebody.
    Person(AssertedPerson),
    /// It does not: the last part of the second status code, such as `AuthnFailed`, or of the first.
    Refused(String),
}

/// Judges the form that was posted to the consumer service, and reads what is signed in it: exactly one
/// Assertion, for our request. Encrypted ones are decrypted after the signature around them was verified,
/// and then held against the same rules.
///
/// # Errors
/// Those of the DMZ's rule for Responses, and `saml.response.request`, `saml.encryption.*`,
/// `saml.assertion.name-id`, `saml.assertion.attribute-value`, `saml.assertion.authentication-age`.
pub fn judge_sign_on(body: &[u8], expected: &ExpectedSignOn<'_>) -> Result<SignOnAnswer, Refusal> {
    let provider = Rc::new(IdentityProvider {
        allows_unsolicited: false,
        accepts_encrypted_assertions: expected.decryptor.is_some(),
        max_assertions: 1,
        ..expected.provider.clone()
    });
    let consumer = AssertionConsumer {
        paths: Vec::new(),
        urls: vec![expected.consumer_url.to_owned()],
        entity_id: expected.entity_id.to_owned(),
        serves_other_forms: false,
        identity_providers: Vec::new(),
    };
    let federation = Federation {
        consumer: &consumer,
        lookup: &|_| Some(Rc::clone(&provider)),
        policy: expected.policy,
        now: expected.now,
        verifier: expected.verifier,
    };
    let read = read_response(b"", body, &federation)?;
    // In a Response that is not signed the Assertion repeats it, which the rule has checked.
    if read.judged.in_response_to.as_deref() != Some(expected.request_id) {
        return Err(wrong("saml.response.request", "InResponseTo", "the request of this sign-in")
            .found(read.judged.in_response_to.as_deref().unwrap_or("none")));
    }
    if !read.judged.success {
        return Ok(SignOnAnswer::Refused(status(&read.frame)));
    }
    let assertion = match read.assertions.as_slice() {
        [assertion] => assertion.clone(),
        _ => decrypted(&read, expected, &consumer)?,
    };
    let qualifiers = Qualifiers { provider: &expected.provider.entity_id, own: expected.entity_id };
    let person = asserted_person(&assertion, &qualifiers)?;
    check_recency(&person, expected)?;
    Ok(SignOnAnswer::Person(person))
}

/// Whether the sign-in there is as recent as was asked for (SAML core section 3.4.1, ForceAuthn).
fn check_recency(person: &AssertedPerson, expected: &ExpectedSignOn<'_>) -> Result<(), Refusal> {
    // The age counts from now: time passes while they are at the provider.
    let youngest = expected.max_age.map(|max_age| expected.now.saturating_sub(max_age));
    let Some(since) = expected.authenticated_since.max(youngest) else { return Ok(()) };
    if person.authn_instant.saturating_add(expected.policy.clock_skew) >= since {
        return Ok(());
    }
    let expected = "a sign-in as recent as was asked for";
    Err(wrong("saml.assertion.authentication-age", "AuthnInstant", expected)
        .found(&format_instant(person.authn_instant).unwrap_or_default()))
}

fn decrypted(
    read: &ReadResponse,
    expected: &ExpectedSignOn<'_>,
    consumer: &AssertionConsumer,
) -> Result<Element, Refusal> {
    let encrypted = read.frame.elements_named(ASSERTION, "EncryptedAssertion").next();
    let (Some(encrypted), Some(decryptor), true) = (encrypted, expected.decryptor, read.is_whole) else {
        return Err(wrong("saml.response.assertions", "Response", "one Assertion"));
    };
    let content = encrypted_content(encrypted)?;
    let plain = decryptor.decrypt(&content).ok_or_else(|| {
        wrong(
            "saml.encryption.unopened",
            "EncryptedAssertion",
            "what is encrypted for our present certificate",
        )
    })?;
    let document = Document::read(&plain, &expected.policy.limits.xml())?;
    if !document.is(ASSERTION, "Assertion") {
        return Err(wrong("saml.encryption.content", "EncryptedAssertion", "an Assertion")
            .found(&document.root_name()));
    }
    let assertion = if document.is_signed() {
        let keys = read.provider.keys();
        let trust = Trust { keys: &keys, algorithms: &expected.policy.algorithms };
        document.verify(AFTER_ISSUER, &trust, expected.verifier)?.into_element()
    } else {
        // The signature of the Response covers it.
        document.into_unsigned()?
    };
    let held = Expected {
        provider: &read.provider,
        audiences: core::slice::from_ref(&consumer.entity_id),
        recipients: &consumer.urls,
        answers: Answers::Request(read.judged.in_response_to.as_deref()),
        policy: expected.policy,
        now: expected.now,
    };
    check_assertion(&assertion, &held)?;
    Ok(assertion)
}

/// The last part of the innermost status code that is known: for the log.
fn status(frame: &Element) -> String {
    let top = frame.elements_named(PROTOCOL, "Status").next();
    let first = top.and_then(|status| status.elements_named(PROTOCOL, "StatusCode").next());
    let second = first.and_then(|code| code.elements_named(PROTOCOL, "StatusCode").next());
    let value = second.or(first).and_then(|code| code.attribute("Value")).unwrap_or_default();
    let last = value.rsplit(':').next().unwrap_or_default();
    last.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}

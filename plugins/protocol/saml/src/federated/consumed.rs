//! What a judged Assertion says: its NameID, how the person signed in, and its attributes.
use std::collections::BTreeMap;

use postern_refusal::Refusal;
use postern_xml::Element;

use super::response::wrong;
use crate::names::ASSERTION;
use crate::{NameIdFormat, parse_instant};

/// Longest NameID, and longest value of an attribute, in bytes.
const MAX_NAME: usize = 255;
const MAX_VALUE: usize = 1_024;
/// Most values of all attributes.
const MAX_VALUES: usize = 256;

/// Whom an identity provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertedPerson {
    /// NameID. None: the Assertion has none, which the schema allows.
    pub name_id: Option<AssertedName>,
    /// AuthnContextClassRef.
    pub context_class: Option<String>,
    /// AuthnInstant, seconds since 1970.
    pub authn_instant: u64,
    /// SessionIndex.
    pub session_index: Option<String>,
    /// Values by the attributes' names. Values that are not text are left out.
    pub attributes: BTreeMap<String, Vec<String>>,
}

/// A NameID (SAML core section 2.2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertedName {
    /// Its format. None: one that is not known here.
    pub format: Option<NameIdFormat>,
    /// The value.
    pub value: String,
}

/// Reads an Assertion that was judged.
///
/// # Errors
/// `saml.assertion.name-id`, `saml.assertion.attribute-value`, `saml.assertion.statement`.
pub(super) fn asserted_person(
    assertion: &Element,
    qualifiers: &Qualifiers<'_>,
) -> Result<AssertedPerson, Refusal> {
    let mut statements = assertion.elements_named(ASSERTION, "AuthnStatement");
    let (Some(statement), None) = (statements.next(), statements.next()) else {
        return Err(wrong("saml.assertion.statement", "Assertion", "one AuthnStatement"));
    };
    let context = statement.elements_named(ASSERTION, "AuthnContext").next();
    let class = context.and_then(|context| context.elements_named(ASSERTION, "AuthnContextClassRef").next());
    let instant = statement.attribute("AuthnInstant").and_then(parse_instant);
    Ok(AssertedPerson {
        name_id: name_id(assertion, qualifiers)?,
        context_class: class.and_then(Element::text).map(|class| class.trim().to_owned()),
        authn_instant: instant.unwrap_or_default(),
        session_index: statement.attribute("SessionIndex").map(str::to_owned),
        attributes: attributes(assertion)?,
    })
}

/// In whose name space a NameID has to be, where it says so (SAML core section 8.3.7).
pub(super) struct Qualifiers<'q> {
    /// The provider's entity ID: a hub that passes on the names of others would mix them up.
    pub(super) provider: &'q str,
    /// Ours.
    pub(super) own: &'q str,
}

fn name_id(assertion: &Element, qualifiers: &Qualifiers<'_>) -> Result<Option<AssertedName>, Refusal> {
    let malformed = |expected: &str| wrong("saml.assertion.name-id", "NameID", expected);
    let Some(subject) = assertion.elements_named(ASSERTION, "Subject").next() else { return Ok(None) };
    if subject.elements_named(ASSERTION, "EncryptedID").next().is_some() {
        return Err(malformed("a NameID that is not encrypted by itself"));
    }
    let Some(name) = subject.elements_named(ASSERTION, "NameID").next() else { return Ok(None) };
    let format = name.attribute("Format").unwrap_or(NameIdFormat::Unspecified.uri());
    for (attribute, expected) in [("NameQualifier", qualifiers.provider), ("SPNameQualifier", qualifiers.own)]
    {
        if name.attribute(attribute).is_some_and(|found| found != expected) {
            return Err(malformed("a name of the provider's own, and for us").found(attribute));
        }
    }
    let value = name.text().filter(|value| is_value(value, MAX_NAME));
    Ok(Some(AssertedName {
        format: NameIdFormat::from_uri(format),
        value: value.ok_or_else(|| malformed("1 to 255 bytes, no control character among them"))?,
    }))
}

fn attributes(assertion: &Element) -> Result<BTreeMap<String, Vec<String>>, Refusal> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut number = 0_usize;
    let statements = assertion.elements_named(ASSERTION, "AttributeStatement");
    for attribute in statements.flat_map(|statement| statement.elements_named(ASSERTION, "Attribute")) {
        let name = attribute.attribute("Name").unwrap_or_default();
        let values = found.entry(name.to_owned()).or_default();
        for value in attribute.elements_named(ASSERTION, "AttributeValue").filter_map(Element::text) {
            number = number.saturating_add(1);
            if number > MAX_VALUES {
                return Err(wrong("saml.assertion.attribute-value", name, "256 values at most"));
            }
            if value.is_empty() {
                continue;
            }
            if !is_value(&value, MAX_VALUE) {
                let expected = "1,024 bytes at most, no control character among them";
                return Err(wrong("saml.assertion.attribute-value", name, expected));
            }
            values.push(value);
        }
    }
    found.retain(|_, values| !values.is_empty());
    Ok(found)
}

fn is_value(value: &str, most: usize) -> bool {
    (1..=most).contains(&value.len()) && !value.chars().any(char::is_control)
}

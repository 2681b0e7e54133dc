//! The messages of single logout (SAML core section 3.7), every part of them named.
use postern_refusal::Refusal;
use postern_xml::Element;

use crate::identifier::is_identifier;
use crate::names::{ASSERTION, PROTOCOL};
use crate::parse_instant;
use crate::registration::MAX_ENTITY_ID;
use crate::shape::Shape;

/// Most sessions that one LogoutRequest may name.
const MAX_SESSIONS: usize = 64;
/// Longest SessionIndex, in bytes.
const MAX_SESSION_INDEX: usize = 256;
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// Attributes of both messages (SAML core section 3.2).
const COMMON: [&str; 5] = ["ID", "Version", "IssueInstant", "Destination", "Consent"];

/// Who is to be signed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedOutNameId {
    /// The identifier.
    pub value: String,
    /// Format.
    pub format: Option<String>,
    /// NameQualifier.
    pub name_qualifier: Option<String>,
    /// SPNameQualifier.
    pub sp_name_qualifier: Option<String>,
}

/// What a LogoutRequest says beyond ID, issuer, destination and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutRequest {
    /// NotOnOrAfter, seconds since 1970.
    pub not_on_or_after: Option<u64>,
    /// NameID.
    pub name_id: LoggedOutNameId,
    /// SessionIndex. Empty: all sessions of that person.
    pub session_indexes: Vec<String>,
}

impl LogoutRequest {
    /// Reads a LogoutRequest. Attributes and children that the schema does not have are refused.
    ///
    /// # Errors
    /// `saml.logout.attribute`, `saml.logout.child`, `saml.logout.text`, `saml.logout.value`,
    /// `saml.logout.name-id`, `saml.logout.session-index`.
    pub fn read(element: &Element) -> Result<Self, Refusal> {
        Self::check_shape(element)?;
        let not_on_or_after = match element.attribute("NotOnOrAfter") {
            None => None,
            Some(text) => {
                let value = || wrong("saml.logout.value", "NotOnOrAfter", "an instant in UTC").found(text);
                Some(parse_instant(text).ok_or_else(value)?)
            }
        };
        Ok(Self {
            not_on_or_after,
            name_id: name_id(element)?,
            session_indexes: element
                .elements_named(PROTOCOL, "SessionIndex")
                .map(session_index)
                .collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn check_shape(element: &Element) -> Result<(), Refusal> {
        let children = [
            (ASSERTION, "Issuer", 1),
            (PROTOCOL, "Extensions", 1),
            (ASSERTION, "BaseID", 1),
            (ASSERTION, "NameID", 1),
            (ASSERTION, "EncryptedID", 1),
            (PROTOCOL, "SessionIndex", MAX_SESSIONS),
        ];
        check_shape(element, &["NotOnOrAfter", "Reason"], &children)
    }
}

/// What a LogoutResponse says beyond ID, issuer, destination and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutResponse {
    /// InResponseTo: the ID of the LogoutRequest that it answers.
    pub in_response_to: String,
    /// Whether its status is Success. Any other means that somebody may still be signed in there.
    pub success: bool,
}

impl LogoutResponse {
    /// Reads a LogoutResponse. Attributes and children that the schema does not have are refused.
    ///
    /// # Errors
    /// `saml.logout.attribute`, `saml.logout.child`, `saml.logout.text`,
    /// `saml.logout.in-response-to`, `saml.logout.status`.
    pub fn read(element: &Element) -> Result<Self, Refusal> {
        Self::check_shape(element)?;
        let in_response_to = element.attribute("InResponseTo").unwrap_or_default();
        if !is_identifier(in_response_to) {
            let expected = "the ID of a request";
            return Err(wrong("saml.logout.in-response-to", "InResponseTo", expected).found(in_response_to));
        }
        let status = element
            .elements_named(PROTOCOL, "Status")
            .next()
            .and_then(|status| status.elements_named(PROTOCOL, "StatusCode").next())
            .and_then(|code| code.attribute("Value"))
            .ok_or_else(|| wrong("saml.logout.status", "Status", "a StatusCode with a Value"))?;
        Ok(Self { in_response_to: in_response_to.to_owned(), success: status == SUCCESS })
    }

    pub(crate) fn check_shape(element: &Element) -> Result<(), Refusal> {
        let children = [(ASSERTION, "Issuer", 1), (PROTOCOL, "Extensions", 1), (PROTOCOL, "Status", 1)];
        check_shape(element, &["InResponseTo"], &children)
    }
}

fn check_shape(
    element: &Element,
    attributes: &[&str],
    children: &[(&str, &str, usize)],
) -> Result<(), Refusal> {
    let attributes = [&COMMON[..], attributes].concat();
    let codes = ["saml.logout.attribute", "saml.logout.child", "saml.logout.text"];
    Shape { codes, attributes: &attributes, children, then: &[] }.check(element)
}

/// The person is named openly: nothing here decrypts, and BaseID names nobody.
fn name_id(element: &Element) -> Result<LoggedOutNameId, Refusal> {
    let mut ids = element.elements().filter(|child| {
        ["NameID", "BaseID", "EncryptedID"].contains(&child.name.local.as_str())
            && child.name.namespace == ASSERTION
    });
    let (Some(id), None) = (ids.next(), ids.next()) else {
        return Err(wrong("saml.logout.name-id", "NameID", "one NameID"));
    };
    if id.name.local != "NameID" {
        return Err(Refusal::incompatible("saml.logout.name-id")
            .at("NameID")
            .expected("a NameID that is not encrypted")
            .found(&id.name.local));
    }
    let known = ["Format", "NameQualifier", "SPNameQualifier", "SPProvidedID"];
    let plain = id.attributes.iter().all(|attribute| {
        attribute.name.namespace.is_empty() && known.contains(&attribute.name.local.as_str())
    });
    let value = id.text().filter(|text| plain && (1..=MAX_ENTITY_ID).contains(&text.chars().count()));
    let value = value.ok_or_else(|| {
        wrong("saml.logout.name-id", "NameID", "1 to 1,024 characters, and attributes of the schema")
    })?;
    let attribute = |name: &str| id.attribute(name).map(str::to_owned);
    Ok(LoggedOutNameId {
        value,
        format: attribute("Format"),
        name_qualifier: attribute("NameQualifier"),
        sp_name_qualifier: attribute("SPNameQualifier"),
    })
}

fn session_index(element: &Element) -> Result<String, Refusal> {
    let text = element.text().filter(|text| element.attributes.is_empty() && !text.trim().is_empty());
    text.filter(|text| text.len() <= MAX_SESSION_INDEX)
        .ok_or_else(|| wrong("saml.logout.session-index", "SessionIndex", "1 to 256 bytes"))
}

fn wrong(code: &'static str, at: &str, expected: &str) -> Refusal {
    Refusal::misbehaved(code).at(at).expected(expected)
}

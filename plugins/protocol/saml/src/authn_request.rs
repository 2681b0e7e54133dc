//! The AuthnRequest message (SAML core section 3.4.1), every part of it named.
use postern_refusal::Refusal;
use postern_xml::Element;

use crate::identifier::is_identifier;
use crate::names::{ASSERTION, ENTITY_FORMAT, POST_BINDING, PROTOCOL};
use crate::registration::MAX_ENTITY_ID;
use crate::{Comparison, RequestedAuthnContext, parse_instant};

/// Most classes that a RequestedAuthnContext may list.
const MAX_CLASSES: usize = 16;

/// What the schema has, in its order. Signature is gone when the message was verified.
const CHILDREN: [(&str, &str); 7] = [
    (ASSERTION, "Issuer"),
    (PROTOCOL, "Extensions"),
    (ASSERTION, "Subject"),
    (PROTOCOL, "NameIDPolicy"),
    (ASSERTION, "Conditions"),
    (PROTOCOL, "RequestedAuthnContext"),
    (PROTOCOL, "Scoping"),
];

const ATTRIBUTES: [&str; 12] = [
    "ID",
    "Version",
    "IssueInstant",
    "Destination",
    "Consent",
    "ForceAuthn",
    "IsPassive",
    "ProtocolBinding",
    "AssertionConsumerServiceIndex",
    "AssertionConsumerServiceURL",
    "AttributeConsumingServiceIndex",
    "ProviderName",
];

/// What a request asks of the NameID (SAML core section 3.4.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameIdPolicy {
    /// Format, as a URI.
    pub format: Option<String>,
    /// The group of service providers that the NameID is for.
    pub sp_name_qualifier: Option<String>,
}

/// A well-formed AuthnRequest, not yet held against a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthnRequest {
    /// ID.
    pub id: String,
    /// IssueInstant, seconds since 1970.
    pub issue_instant: u64,
    /// Destination.
    pub destination: Option<String>,
    /// Issuer: the entity ID of the service provider.
    pub issuer: String,
    /// AssertionConsumerServiceURL.
    pub acs_url: Option<String>,
    /// AssertionConsumerServiceIndex.
    pub acs_index: Option<u16>,
    /// ForceAuthn.
    pub force: bool,
    /// IsPassive.
    pub passive: bool,
    /// NameIDPolicy.
    pub name_id_policy: Option<NameIdPolicy>,
    /// RequestedAuthnContext.
    pub context: Option<RequestedAuthnContext>,
}

impl AuthnRequest {
    /// Reads the message. Extensions, Scoping, Consent, ProviderName and
    /// AttributeConsumingServiceIndex may stand there and change nothing.
    ///
    /// # Errors
    /// `saml.message.unsupported`, `saml.authn-request.attribute`, `saml.authn-request.child`,
    /// `saml.authn-request.text`, `saml.authn-request.value`, `saml.version.unsupported`,
    /// `saml.id.malformed`, `saml.issue-instant.malformed`, `saml.issuer.malformed`,
    /// `saml.subject.unsupported`, `saml.conditions.unsupported`,
    /// `saml.protocol-binding.unsupported`, `saml.acs.ambiguous`, `saml.authn-context.malformed`,
    /// `saml.authn-context.declaration`.
    pub fn read(element: &Element) -> Result<Self, Refusal> {
        if !element.name.is(PROTOCOL, "AuthnRequest") {
            return Err(unsupported_message(&element.name.local));
        }
        check_shape(element)?;
        check_version(element)?;
        check_binding(element)?;
        let acs_url = element.attribute("AssertionConsumerServiceURL").map(str::to_owned);
        let acs_index = index(element)?;
        if acs_url.is_some() && acs_index.is_some() {
            return Err(Refusal::misbehaved("saml.acs.ambiguous")
                .at("AssertionConsumerServiceURL")
                .expected("a URL or an index, not both"));
        }
        Ok(Self {
            id: id(element)?,
            issue_instant: issue_instant(element)?,
            destination: element.attribute("Destination").map(str::to_owned),
            issuer: issuer(element)?,
            acs_url,
            acs_index,
            force: boolean(element, "ForceAuthn")?,
            passive: boolean(element, "IsPassive")?,
            name_id_policy: name_id_policy(element)?,
            context: context(element)?,
        })
    }
}

/// A message of another kind than AuthnRequest.
pub(crate) fn unsupported_message(found: &str) -> Refusal {
    Refusal::incompatible("saml.message.unsupported").at("SAMLRequest").expected("AuthnRequest").found(found)
}

fn check_shape(element: &Element) -> Result<(), Refusal> {
    for attribute in &element.attributes {
        if !attribute.name.namespace.is_empty() || !ATTRIBUTES.contains(&attribute.name.local.as_str()) {
            return Err(Refusal::misbehaved("saml.authn-request.attribute")
                .at("AuthnRequest")
                .expected("an attribute of the schema")
                .found(&attribute.name.local));
        }
    }
    if element.is_mixed() {
        return Err(Refusal::misbehaved("saml.authn-request.text").at("AuthnRequest").expected("no text"));
    }
    let mut known = CHILDREN.iter();
    for child in element.elements() {
        // Each at most once, in this order: the search goes on where the last one was found.
        if !known.any(|(namespace, local)| child.name.is(namespace, local)) {
            return Err(Refusal::misbehaved("saml.authn-request.child")
                .at("AuthnRequest")
                .expected("the children of the schema, in its order")
                .found(&child.name.local));
        }
    }
    for (local, code) in
        [("Subject", "saml.subject.unsupported"), ("Conditions", "saml.conditions.unsupported")]
    {
        if element.elements_named(ASSERTION, local).next().is_some() {
            return Err(Refusal::incompatible(code).at(local).expected("a request without it"));
        }
    }
    Ok(())
}

pub(crate) fn check_version(element: &Element) -> Result<(), Refusal> {
    let version = element.attribute("Version").unwrap_or_default();
    if version == "2.0" {
        return Ok(());
    }
    Err(Refusal::incompatible("saml.version.unsupported").at("Version").expected("2.0").found(version))
}

fn check_binding(element: &Element) -> Result<(), Refusal> {
    match element.attribute("ProtocolBinding") {
        None | Some(POST_BINDING) => Ok(()),
        Some(other) => Err(Refusal::incompatible("saml.protocol-binding.unsupported")
            .at("ProtocolBinding")
            .expected(POST_BINDING)
            .found(other)),
    }
}

pub(crate) fn id(element: &Element) -> Result<String, Refusal> {
    let id = element.attribute("ID").unwrap_or_default();
    if is_identifier(id) {
        Ok(id.to_owned())
    } else {
        Err(Refusal::misbehaved("saml.id.malformed")
            .at("ID")
            .expected("an NCName of 8 to 256 bytes")
            .found(id))
    }
}

pub(crate) fn issue_instant(element: &Element) -> Result<u64, Refusal> {
    let text = element.attribute("IssueInstant").unwrap_or_default();
    parse_instant(text).ok_or_else(|| {
        Refusal::misbehaved("saml.issue-instant.malformed")
            .at("IssueInstant")
            .expected("an instant in UTC, such as 2026-01-31T12:00:00Z")
            .found(text)
    })
}

pub(crate) fn issuer(element: &Element) -> Result<String, Refusal> {
    let malformed = |found: &str| {
        Refusal::misbehaved("saml.issuer.malformed")
            .at("Issuer")
            .expected("an entity ID of 1 to 1,024 characters")
            .found(found)
    };
    let issuer = element.elements_named(ASSERTION, "Issuer").next().ok_or_else(|| malformed(""))?;
    let entity = match issuer.attributes.as_slice() {
        [] => true,
        [format] => format.name.is("", "Format") && format.value == ENTITY_FORMAT,
        _ => false,
    };
    let text = issuer.text().unwrap_or_default();
    if !entity || text.is_empty() || text.chars().count() > MAX_ENTITY_ID {
        return Err(malformed(&text));
    }
    Ok(text)
}

fn index(element: &Element) -> Result<Option<u16>, Refusal> {
    let Some(text) = element.attribute("AssertionConsumerServiceIndex") else { return Ok(None) };
    let digits = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| digits)
        .map(Some)
        .ok_or_else(|| value("AssertionConsumerServiceIndex", "a number from 0 to 65535", text))
}

fn boolean(element: &Element, name: &str) -> Result<bool, Refusal> {
    match element.attribute(name) {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(other) => Err(value(name, "true or false", other)),
    }
}

fn name_id_policy(element: &Element) -> Result<Option<NameIdPolicy>, Refusal> {
    let Some(policy) = element.elements_named(PROTOCOL, "NameIDPolicy").next() else { return Ok(None) };
    for attribute in &policy.attributes {
        let known = ["Format", "SPNameQualifier", "AllowCreate"].contains(&attribute.name.local.as_str());
        if !known || !attribute.name.namespace.is_empty() {
            return Err(value("NameIDPolicy", "attributes of the schema", &attribute.name.local));
        }
    }
    if !policy.children.is_empty() && policy.text().is_none_or(|text| !text.trim().is_empty()) {
        return Err(value("NameIDPolicy", "an empty element", ""));
    }
    // AllowCreate asks for an identifier to be made up: ours are derived, and always there.
    boolean(policy, "AllowCreate")?;
    Ok(Some(NameIdPolicy {
        format: policy.attribute("Format").map(str::to_owned),
        sp_name_qualifier: policy.attribute("SPNameQualifier").map(str::to_owned),
    }))
}

fn context(element: &Element) -> Result<Option<RequestedAuthnContext>, Refusal> {
    let Some(context) = element.elements_named(PROTOCOL, "RequestedAuthnContext").next() else {
        return Ok(None);
    };
    let malformed = |found: &str| {
        Refusal::misbehaved("saml.authn-context.malformed")
            .at("RequestedAuthnContext")
            .expected("1 to 16 AuthnContextClassRef, and how they compare")
            .found(found)
    };
    let comparison = match context.attribute("Comparison") {
        None | Some("exact") => Comparison::Exact,
        Some("minimum") => Comparison::Minimum,
        Some("maximum") => Comparison::Maximum,
        Some("better") => Comparison::Better,
        Some(other) => return Err(malformed(other)),
    };
    let mut classes = Vec::new();
    for reference in context.elements() {
        if reference.name.is(ASSERTION, "AuthnContextDeclRef") {
            return Err(Refusal::incompatible("saml.authn-context.declaration")
                .at("AuthnContextDeclRef")
                .expected("AuthnContextClassRef"));
        }
        let class = reference.text().filter(|_| reference.name.is(ASSERTION, "AuthnContextClassRef"));
        let class = class.map(|class| class.trim().to_owned()).unwrap_or_default();
        if class.is_empty() || class.len() > MAX_ENTITY_ID {
            return Err(malformed(&reference.name.local));
        }
        classes.push(class);
    }
    if classes.is_empty() || classes.len() > MAX_CLASSES {
        return Err(malformed(&classes.len().to_string()));
    }
    Ok(Some(RequestedAuthnContext { comparison, classes }))
}

fn value(at: &str, expected: &str, found: &str) -> Refusal {
    Refusal::misbehaved("saml.authn-request.value").at(at).expected(expected).found(found)
}

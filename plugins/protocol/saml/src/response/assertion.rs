use postern_refusal::Refusal;
use postern_xml::{Writer, Written};

use super::instant;
use crate::names::{ASSERTION, BEARER};
use crate::{NameFormat, NameIdFormat};

/// A NameID of a Response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseNameId {
    /// Format.
    pub format: NameIdFormat,
    /// Value.
    pub value: String,
}

/// An attribute of a Response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseAttribute {
    /// Name.
    pub name: String,
    /// Format of the name.
    pub name_format: NameFormat,
    /// A name for people.
    pub friendly_name: Option<String>,
    /// Values.
    pub values: Vec<String>,
}

/// A Response with an assertion. Instants are seconds since 1970.
#[derive(Clone, Debug)]
pub struct SuccessResponse<'a> {
    /// ID of the Response.
    pub response_id: &'a str,
    /// ID of the Assertion.
    pub assertion_id: &'a str,
    /// Our entity ID.
    pub issuer: &'a str,
    /// The relying party's entity ID.
    pub audience: &'a str,
    /// The consumer service's URL: Destination and Recipient.
    pub recipient: &'a str,
    /// ID of the request. None: sign-on began here.
    pub in_response_to: Option<&'a str>,
    /// Now.
    pub issued_at: u64,
    /// From when the assertion holds.
    pub not_before: u64,
    /// When it has ceased to hold.
    pub not_on_or_after: u64,
    /// Who signed in.
    pub name_id: &'a ResponseNameId,
    /// When they did.
    pub authn_instant: u64,
    /// The session as the relying party may know it.
    pub session_index: &'a str,
    /// When the session ends at the latest.
    pub session_not_on_or_after: Option<u64>,
    /// How they signed in: an AuthnContextClassRef.
    pub context_class: &'a str,
    /// Attributes; those without values are left out.
    pub attributes: &'a [ResponseAttribute],
}

/// Writes the assertion as a document of its own, so that it can be signed before it is embedded.
pub(super) fn write(response: &SuccessResponse<'_>) -> Result<Written, Refusal> {
    let mut writer = Writer::new();
    writer
        .start("saml:Assertion")
        .attribute("xmlns:saml", ASSERTION)
        .attribute("ID", response.assertion_id)
        .attribute("Version", "2.0")
        .attribute("IssueInstant", &instant(response.issued_at)?)
        .leaf("saml:Issuer", response.issuer);
    subject(&mut writer, response)?;
    conditions(&mut writer, response)?;
    authn_statement(&mut writer, response)?;
    attribute_statement(&mut writer, response);
    Ok(writer.finish())
}

fn subject(writer: &mut Writer, response: &SuccessResponse<'_>) -> Result<(), Refusal> {
    let name_id = response.name_id;
    writer.start("saml:Subject").start("saml:NameID").attribute("Format", name_id.format.uri());
    if name_id.format == NameIdFormat::Persistent {
        // SAML core section 8.3.7: who made the identifier up, and for whom.
        writer.attribute("NameQualifier", response.issuer).attribute("SPNameQualifier", response.audience);
    }
    writer.text(&name_id.value).end();
    writer
        .start("saml:SubjectConfirmation")
        .attribute("Method", BEARER)
        .start("saml:SubjectConfirmationData")
        .optional("InResponseTo", response.in_response_to)
        .attribute("NotOnOrAfter", &instant(response.not_on_or_after)?)
        .attribute("Recipient", response.recipient)
        .end()
        .end()
        .end();
    Ok(())
}

fn conditions(writer: &mut Writer, response: &SuccessResponse<'_>) -> Result<(), Refusal> {
    writer
        .start("saml:Conditions")
        .attribute("NotBefore", &instant(response.not_before)?)
        .attribute("NotOnOrAfter", &instant(response.not_on_or_after)?)
        .start("saml:AudienceRestriction")
        .leaf("saml:Audience", response.audience)
        .end()
        .end();
    Ok(())
}

fn authn_statement(writer: &mut Writer, response: &SuccessResponse<'_>) -> Result<(), Refusal> {
    let ends = response.session_not_on_or_after.map(instant).transpose()?;
    writer
        .start("saml:AuthnStatement")
        .attribute("AuthnInstant", &instant(response.authn_instant)?)
        .attribute("SessionIndex", response.session_index)
        .optional("SessionNotOnOrAfter", ends.as_deref())
        .start("saml:AuthnContext")
        .leaf("saml:AuthnContextClassRef", response.context_class)
        .end()
        .end();
    Ok(())
}

fn attribute_statement(writer: &mut Writer, response: &SuccessResponse<'_>) {
    let mut attributes =
        response.attributes.iter().filter(|attribute| !attribute.values.is_empty()).peekable();
    // The schema wants one attribute at least.
    if attributes.peek().is_none() {
        return;
    }
    writer.start("saml:AttributeStatement");
    for attribute in attributes {
        writer
            .start("saml:Attribute")
            .attribute("Name", &attribute.name)
            .attribute("NameFormat", attribute.name_format.uri())
            .optional("FriendlyName", attribute.friendly_name.as_deref());
        for value in &attribute.values {
            writer.leaf("saml:AttributeValue", value);
        }
        writer.end();
    }
    writer.end();
}

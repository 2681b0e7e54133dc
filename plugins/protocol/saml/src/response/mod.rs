//! Responses to relying parties (SAML core section 3.3.3, profiles section 4.1.4.2).

mod assertion;
mod status;

use postern_refusal::Refusal;
use postern_signature::Algorithm;
use postern_xml::{Place, SignedXml, Unsigned, Writer, Written};

pub use assertion::{ResponseAttribute, ResponseNameId, SuccessResponse};
pub use status::Status;

use crate::format_instant;
use crate::names::{ASSERTION, PROTOCOL};
use crate::registration::Signs;

/// How messages of ours are signed.
pub struct Signing<'a> {
    /// Algorithm of the key.
    pub algorithm: Algorithm,
    /// Its certificate (DER), named in KeyInfo.
    pub certificate: &'a [u8],
    /// Signs the bytes; ECDSA as r||s.
    pub sign: &'a dyn Fn(&[u8]) -> Vec<u8>,
}

impl Signing<'_> {
    pub(crate) fn sign(&self, document: Written, place: Place<'_>) -> Result<SignedXml, Refusal> {
        let unsigned = Unsigned::new(document, place, self.algorithm)?;
        let signature = (self.sign)(unsigned.to_sign());
        Ok(unsigned.with_signature(&signature, Some(self.certificate)))
    }
}

/// A Response that tells of a failure.
#[derive(Clone, Debug)]
pub struct ErrorResponse<'a> {
    /// ID of the Response.
    pub id: &'a str,
    /// Our entity ID.
    pub issuer: &'a str,
    /// The consumer service's URL.
    pub destination: &'a str,
    /// ID of the request.
    pub in_response_to: Option<&'a str>,
    /// Now, seconds since 1970.
    pub issued_at: u64,
    /// What failed.
    pub status: Status,
}

/// Where the signature stands in a Response or an Assertion.
const AFTER_ISSUER: Place<'_> = Place::After { namespace: ASSERTION, local: "Issuer" };

/// Builds a Response with an assertion, signed as the registration wants it. XML text: the POST
/// binding wants base64 of it.
///
/// # Errors
/// `saml.response.build`, `xml.sign.*`: ours.
pub fn success_response(
    response: &SuccessResponse<'_>,
    signs: Signs,
    signing: &Signing<'_>,
) -> Result<String, Refusal> {
    let assertion = assertion::write(response)?;
    let assertion = match signs {
        Signs::Response => Part::Plain(assertion),
        Signs::Assertion | Signs::Both => Part::Signed(signing.sign(assertion, AFTER_ISSUER)?),
    };
    let document = write(
        &ErrorResponse {
            id: response.response_id,
            issuer: response.issuer,
            destination: response.recipient,
            in_response_to: response.in_response_to,
            issued_at: response.issued_at,
            status: Status::Success,
        },
        Some(assertion),
    )?;
    match signs {
        Signs::Assertion => Ok(document.into_string()),
        Signs::Response | Signs::Both => Ok(signing.sign(document, AFTER_ISSUER)?.into_string()),
    }
}

/// Builds a Response that tells of a failure, signed.
///
/// # Errors
/// `saml.response.build`, `xml.sign.*`: ours.
pub fn error_response(response: &ErrorResponse<'_>, signing: &Signing<'_>) -> Result<String, Refusal> {
    Ok(signing.sign(write(response, None)?, AFTER_ISSUER)?.into_string())
}

enum Part {
    Plain(Written),
    Signed(SignedXml),
}

fn write(response: &ErrorResponse<'_>, assertion: Option<Part>) -> Result<Written, Refusal> {
    let mut writer = Writer::new();
    writer
        .start("samlp:Response")
        .attribute("xmlns:samlp", PROTOCOL)
        .attribute("xmlns:saml", ASSERTION)
        .attribute("ID", response.id)
        .attribute("Version", "2.0")
        .attribute("IssueInstant", &instant(response.issued_at)?)
        .attribute("Destination", response.destination)
        .optional("InResponseTo", response.in_response_to)
        .leaf("saml:Issuer", response.issuer);
    let (top, second) = response.status.codes();
    writer.start("samlp:Status").start("samlp:StatusCode").attribute("Value", top);
    if let Some(second) = second {
        writer.start("samlp:StatusCode").attribute("Value", second).end();
    }
    writer.end().end();
    match assertion {
        Some(Part::Plain(text)) => writer.embed_own(text),
        Some(Part::Signed(signed)) => writer.embed(&signed),
        None => &mut writer,
    };
    Ok(writer.finish())
}

fn instant(seconds: u64) -> Result<String, Refusal> {
    format_instant(seconds)
        .ok_or_else(|| Refusal::internal("saml.response.build").expected("an instant before the year 10000"))
}

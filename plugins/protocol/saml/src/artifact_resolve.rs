//! ArtifactResolve (SAML core section 3.5.1), judged in the order of every message.
use postern_refusal::Refusal;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};

use crate::artifact::check_artifact;
use crate::authn_request::{check_version, id, issue_instant, issuer};
use crate::judge::Scene;
use crate::names::{ASSERTION, PROTOCOL};
use crate::shape::Shape;
use crate::soap::read_soap;
use crate::{EdgeRelyingParty, Once};

/// Where artifacts are resolved: `/samlartresolve`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtifactResolutionService {
    /// Paths whose requests are judged, letter by letter.
    #[serde(default = "default_paths")]
    pub paths: Vec<String>,
    /// URLs of the endpoint, any of which a request may name as its Destination.
    pub destinations: Vec<String>,
    /// The entity ID of the identity provider: the source of its artifacts.
    pub entity_id: String,
    /// The index of this endpoint in the identity provider's metadata.
    #[serde(default)]
    pub endpoint_index: u16,
}

fn default_paths() -> Vec<String> {
    vec!["/samlartresolve".to_owned()]
}

/// Whether and how a relying party may resolve artifacts. This is a call from server to server: there is
/// no browser, and so no request that nobody vouches for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArtifactResolution {
    /// It may not.
    #[default]
    Refused,
    /// It signs its requests, with one of its registered keys.
    Signed,
    /// It has one of these certificates in its TLS connection to the edge. A signature that is there is
    /// verified all the same.
    Certificate(Vec<CertificateDigest>),
}

impl ArtifactResolution {
    /// Whether it may not.
    pub fn is_refused(&self) -> bool {
        *self == Self::Refused
    }
}

/// SHA-256 of a certificate (DER), 64 digits in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateDigest(pub String);

impl CertificateDigest {
    /// That of a certificate (DER).
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl<'de> Deserialize<'de> for CertificateDigest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 64 && text.bytes().all(is_digit) {
            return Ok(Self(text));
        }
        Err(serde::de::Error::custom("a certificate's SHA-256 has 64 hexadecimal digits in lower case"))
    }
}

/// A POST to that service.
#[derive(Clone, Copy, Debug)]
pub struct SoapRequest<'a> {
    /// Query string: has to be empty.
    pub query: &'a [u8],
    /// Content-Type: `text/xml`.
    pub content_type: Option<&'a str>,
    /// SOAPAction, when it is there.
    pub action: Option<&'a str>,
    /// SHA-256 of the client's certificate in hexadecimal, when the proxy has verified one.
    pub client_certificate: Option<&'a str>,
    /// Body.
    pub body: &'a [u8],
}

/// An ArtifactResolve that may be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedArtifactResolve {
    /// ID.
    pub id: String,
    /// The relying party's entity ID.
    pub entity_id: String,
    /// The artifact, base64.
    pub artifact: String,
    /// Until when the request would be accepted again, seconds since 1970.
    pub until: u64,
}

impl JudgedArtifactResolve {
    /// What has to be remembered of it: that its issuer sent it is known, by signature or certificate.
    pub fn once(&self) -> Once {
        Once { key: format!("{} {}", self.id, self.entity_id), until: self.until, signed: true }
    }
}

const SHAPE: Shape<'_> = Shape {
    codes: ["saml.artifact-resolve.attribute", "saml.artifact-resolve.child", "saml.artifact-resolve.text"],
    attributes: &["ID", "Version", "IssueInstant", "Destination", "Consent"],
    children: &[(ASSERTION, "Issuer", 1), (PROTOCOL, "Extensions", 1), (PROTOCOL, "Artifact", 1)],
    then: &[],
};

/// Judges a request: envelope, kind of message, issuer, who vouches for it, shape, destination, time,
/// artifact. The destinations of the scene are those of the service.
///
/// # Errors
/// The first rule that is broken: `saml.soap.*`, `xml.*`, `saml.artifact-resolve.*`,
/// `saml.artifact.*`, and those that every message has.
pub(crate) fn judge_artifact_resolve(
    request: &SoapRequest<'_>,
    service: &ArtifactResolutionService,
    scene: &Scene<'_>,
) -> Result<JudgedArtifactResolve, Refusal> {
    let content_type = request.content_type.unwrap_or_default();
    let document =
        read_soap(request.query, content_type, request.action, request.body, &scene.policy.limits)?;
    if !document.is(PROTOCOL, "ArtifactResolve") {
        return Err(Refusal::incompatible("saml.artifact-resolve.kind")
            .at("Body")
            .expected("ArtifactResolve")
            .found(&document.root_name()));
    }
    let party = scene.claimed_issuer(&document)?;
    let must_be_signed = check_allowed(&party, request.client_certificate)?;
    let (element, signed) = scene.authentic(document, None, &party, must_be_signed)?;
    SHAPE.check(&element)?;
    check_version(&element)?;
    let entity_id = issuer(&element)?;
    scene.check_issuer(&entity_id, &party)?;
    let id = id(&element)?;
    scene.check_destination(element.attribute("Destination"), signed)?;
    let until = scene.check_time(issue_instant(&element)?)?;
    let artifact = element.elements_named(PROTOCOL, "Artifact").next();
    let artifact = artifact.filter(|artifact| artifact.attributes.is_empty()).and_then(|found| found.text());
    let artifact = artifact
        .ok_or_else(|| Refusal::misbehaved("saml.artifact.missing").at("Artifact").expected("an artifact"))?;
    check_artifact(&artifact, &service.entity_id, service.endpoint_index)?;
    Ok(JudgedArtifactResolve { id, entity_id, artifact, until })
}

/// Whether the request has to be signed by this relying party, which may resolve artifacts.
fn check_allowed(party: &EdgeRelyingParty, certificate: Option<&str>) -> Result<bool, Refusal> {
    match &party.artifact_resolution {
        ArtifactResolution::Refused => Err(Refusal::misbehaved("saml.artifact-resolve.not-allowed")
            .with_status(403)
            .at("Issuer")
            .expected("a relying party that is registered for artifacts")
            .found(&party.entity_id)),
        ArtifactResolution::Signed => Ok(true),
        // Public values, both of them.
        ArtifactResolution::Certificate(known)
            if certificate.is_some_and(|found| known.iter().any(|known| known.0 == found)) =>
        {
            Ok(false)
        }
        ArtifactResolution::Certificate(_) => Err(Refusal::misbehaved("saml.artifact-resolve.certificate")
            .with_status(403)
            .at("client certificate")
            .expected("the one that is registered")
            .found(certificate.unwrap_or("none"))),
    }
}

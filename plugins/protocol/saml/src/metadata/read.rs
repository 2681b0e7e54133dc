use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use postern_endpoint::is_protected_url;
use postern_refusal::Refusal;
use postern_signature::PublicKey;
use postern_xml::{Element, Limits, read_operators_file, without_whitespace};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use super::attributes::requested_attributes;
use crate::names::{DSIG, METADATA, POST_BINDING, PROTOCOL, REDIRECT_BINDING};
use crate::registration::RegisteredKey;
use crate::{
    ArtifactResolution, AssertionConsumerService, IdentityProvider, IdpInitiated, NameIdFormat,
    NameIdSettings, RelyingParty, RequestBinding, ResponseAlgorithm, Signs, check_key, parse_instant,
};

/// Reads the metadata of a service provider that the operator hands in, at the time `now`
/// (seconds since 1970). Its signature, when there is one, is not looked at: the operator's word
/// makes it good. Answers with the registration and the organisation's name.
///
/// # Errors
/// Those of [`read_operators_file`], `saml.metadata.root`, `saml.metadata.expired`,
/// `saml.metadata.role`, `saml.metadata.value`, `saml.metadata.certificate`, `saml.key.*`,
/// `saml.registration.*`.
pub fn read_sp_metadata(file: &[u8], now: u64) -> Result<(RelyingParty, Option<String>), Refusal> {
    let entity = entity(file)?;
    let role = role(&entity, "SPSSODescriptor", now)?;
    let wants_signed_assertions = boolean(role, "WantAssertionsSigned")?;
    let formats: Vec<NameIdFormat> = role
        .elements_named(METADATA, "NameIDFormat")
        .filter_map(|format| NameIdFormat::from_uri(format.text()?.trim()))
        .collect();
    let party = RelyingParty {
        entity_id: entity.attribute("entityID").unwrap_or_default().to_owned(),
        assertion_consumer_services: consumer_services(role)?,
        signing_keys: signing_keys(role)?,
        requires_signed_requests: boolean(role, "AuthnRequestsSigned")?,
        idp_initiated: IdpInitiated::default(),
        artifact_resolution: ArtifactResolution::default(),
        // Without a wish, both: every relying party finds the signature that it looks for.
        signs: if wants_signed_assertions { Signs::Assertion } else { Signs::Both },
        signature_algorithm: ResponseAlgorithm::default(),
        name_id: name_id_settings(&formats),
        attributes: requested_attributes(role),
    };
    party.check()?;
    Ok((party, name(&entity)))
}

/// Reads the metadata of an identity provider that the operator hands in: its entity ID and the keys that
/// it signs with. Nothing else of it is used; what it may send is the operator's to say.
///
/// # Errors
/// Those of [`read_sp_metadata`], and `saml.decoder.configuration` when there is no key.
pub fn read_idp_metadata(file: &[u8], now: u64) -> Result<IdentityProvider, Refusal> {
    let entity = entity(file)?;
    let role = role(&entity, "IDPSSODescriptor", now)?;
    let entity_id = entity.attribute("entityID").unwrap_or_default();
    let provider = IdentityProvider::new(entity_id, signing_keys(role)?);
    provider.check()?;
    Ok(provider)
}

/// An identity provider whom our AuthnRequests are sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FederatedProvider {
    /// Who it is, and what it signs with.
    pub provider: IdentityProvider,
    /// URL of its single sign-on service for HTTP-Redirect. One of the two is there.
    pub redirect_url: Option<String>,
    /// The same for HTTP-POST.
    pub post_url: Option<String>,
    /// Whether it wants requests to be signed.
    pub wants_signed_requests: bool,
}

/// The same with where requests go.
///
/// # Errors
/// Those of [`read_idp_metadata`], and `saml.metadata.role` when it has no single sign-on service for
/// HTTP-Redirect or HTTP-POST with a protected URL.
pub fn read_federated_provider(file: &[u8], now: u64) -> Result<FederatedProvider, Refusal> {
    let entity = entity(file)?;
    let role = role(&entity, "IDPSSODescriptor", now)?;
    let provider =
        IdentityProvider::new(entity.attribute("entityID").unwrap_or_default(), signing_keys(role)?);
    provider.check()?;
    let service = |binding: &str| {
        let services = role.elements_named(METADATA, "SingleSignOnService");
        let mut urls = services
            .filter(|service| service.attribute("Binding") == Some(binding))
            .filter_map(|service| service.attribute("Location"));
        urls.find(|url| is_protected_url(url)).map(str::to_owned)
    };
    let (redirect_url, post_url) = (service(REDIRECT_BINDING), service(POST_BINDING));
    if redirect_url.is_none() && post_url.is_none() {
        let expected = "one for HTTP-Redirect or HTTP-POST with an https URL";
        return Err(wrong("saml.metadata.role", "SingleSignOnService", expected));
    }
    Ok(FederatedProvider {
        provider,
        redirect_url,
        post_url,
        wants_signed_requests: boolean(role, "WantAuthnRequestsSigned")?,
    })
}

impl FederatedProvider {
    /// How a request goes there, and where to: as is wanted, or else by HTTP-Redirect where the provider has it.
    ///
    /// # Errors
    /// `saml.metadata.binding`: the provider does not have what is wanted.
    pub fn service(&self, wanted: Option<RequestBinding>) -> Result<(RequestBinding, &str), Refusal> {
        let redirect = self.redirect_url.as_deref().map(|url| (RequestBinding::Redirect, url));
        let post = self.post_url.as_deref().map(|url| (RequestBinding::Post, url));
        let (service, expected) = match wanted {
            None => (redirect.or(post), "a single sign-on service"),
            Some(RequestBinding::Redirect) => (redirect, "one for HTTP-Redirect"),
            Some(RequestBinding::Post) => (post, "one for HTTP-POST"),
        };
        service.ok_or_else(|| wrong("saml.metadata.binding", "SingleSignOnService", expected))
    }
}

fn entity(file: &[u8]) -> Result<Element, Refusal> {
    let entity = read_operators_file(file, &Limits::METADATA)?;
    if !entity.name.is(METADATA, "EntityDescriptor") {
        return Err(
            wrong("saml.metadata.root", "EntityDescriptor", "one EntityDescriptor").found(&entity.name.local)
        );
    }
    Ok(entity)
}

/// The one role of that name for SAML 2.0, in metadata that is valid.
fn role<'e>(entity: &'e Element, name: &'e str, now: u64) -> Result<&'e Element, Refusal> {
    let mut roles = entity.elements_named(METADATA, name).filter(|role| {
        role.attribute("protocolSupportEnumeration")
            .is_some_and(|protocols| protocols.split_ascii_whitespace().any(|name| name == PROTOCOL))
    });
    let (Some(role), None) = (roles.next(), roles.next()) else {
        return Err(wrong("saml.metadata.role", name, "one role of that name for SAML 2.0"));
    };
    for element in [entity, role] {
        check_validity(element, now)?;
    }
    Ok(role)
}

fn check_validity(element: &Element, now: u64) -> Result<(), Refusal> {
    let Some(text) = element.attribute("validUntil") else { return Ok(()) };
    let until = parse_instant(text).ok_or_else(|| value("validUntil", "an instant in UTC", text))?;
    if until <= now {
        return Err(wrong("saml.metadata.expired", "validUntil", "metadata that is still valid").found(text));
    }
    Ok(())
}

/// Consumer services for HTTP-POST; those for other bindings are not offered.
fn consumer_services(role: &Element) -> Result<Vec<AssertionConsumerService>, Refusal> {
    let mut services = Vec::new();
    for service in role.elements_named(METADATA, "AssertionConsumerService") {
        if service.attribute("Binding") != Some(POST_BINDING) {
            continue;
        }
        let index = service.attribute("index").unwrap_or_default();
        services.push(AssertionConsumerService {
            url: service.attribute("Location").unwrap_or_default().to_owned(),
            index: index.parse().map_err(|_| value("index", "a number from 0 to 65535", index))?,
            is_default: boolean(service, "isDefault")?,
        });
    }
    Ok(services)
}

/// Keys of certificates for signing, or for no use in particular.
fn signing_keys(role: &Element) -> Result<Vec<RegisteredKey>, Refusal> {
    let mut keys = Vec::new();
    for descriptor in role.elements_named(METADATA, "KeyDescriptor") {
        if descriptor.attribute("use").is_some_and(|purpose| purpose != "signing") {
            continue;
        }
        let certificates = descriptor
            .elements_named(DSIG, "KeyInfo")
            .flat_map(|info| info.elements_named(DSIG, "X509Data"))
            .flat_map(|data| data.elements_named(DSIG, "X509Certificate"));
        for certificate in certificates {
            let text = without_whitespace(&certificate.text().unwrap_or_default());
            let der = BASE64_STANDARD.decode(text).map_err(|_| malformed_certificate())?;
            let key = RegisteredKey(key_of(&der)?);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    Ok(keys)
}

/// The public key of a certificate. Its dates and its issuer say nothing in SAML (metadata
/// interoperability profile section 2.6.1): the metadata vouches for the key.
pub(crate) fn key_of(der: &[u8]) -> Result<PublicKey, Refusal> {
    let certificate = Certificate::from_der(der).map_err(|_| malformed_certificate())?;
    let spki = certificate.tbs_certificate().subject_public_key_info().to_der();
    let spki = spki.map_err(|_| malformed_certificate())?;
    check_key(&spki)?;
    Ok(PublicKey::from_spki(spki))
}

fn malformed_certificate() -> Refusal {
    wrong("saml.metadata.certificate", "X509Certificate", "base64 of an X.509 certificate")
}

/// The first format listed that we offer is the default; without any, ours is.
fn name_id_settings(formats: &[NameIdFormat]) -> NameIdSettings {
    let settings = NameIdSettings::default();
    let specific = formats.iter().find(|format| **format != NameIdFormat::Unspecified);
    match specific.or(formats.first()) {
        Some(first) => NameIdSettings { default: *first, allowed: formats.to_vec(), ..settings },
        None => settings,
    }
}

fn name(entity: &Element) -> Option<String> {
    let organization = entity.elements_named(METADATA, "Organization").next()?;
    let name = organization.elements_named(METADATA, "OrganizationDisplayName").next()?.text()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

fn boolean(element: &Element, name: &str) -> Result<bool, Refusal> {
    match element.attribute(name) {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(other) => Err(value(name, "true or false", other)),
    }
}

fn value(at: &str, expected: &str, found: &str) -> Refusal {
    wrong("saml.metadata.value", at, expected).found(found)
}

fn wrong(code: &'static str, at: &str, expected: &str) -> Refusal {
    Refusal::configuration(code).with_status(400).at(at).expected(expected)
}

//! How relying parties are registered.
use core::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use postern_endpoint::is_protected_url;
use postern_refusal::Refusal;
use postern_signature::{Algorithm, PublicKey};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{ArtifactResolution, NameIdSettings, check_key};

/// Longest entity ID (SAML core section 8.3.6), in characters.
pub(crate) const MAX_ENTITY_ID: usize = 1_024;
/// Most keys of one relying party: each may cost a verification.
const MAX_KEYS: usize = 8;

/// Where a relying party takes Responses: HTTP-POST only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssertionConsumerService {
    /// Absolute URL, compared letter by letter.
    pub url: String,
    /// Its index in metadata.
    #[serde(default)]
    pub index: u16,
    /// Whether it is used when a request names none. Without any, the one of lowest index is.
    #[serde(default, rename = "default")]
    pub is_default: bool,
}

/// A public key of a relying party: base64 of its SubjectPublicKeyInfo in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredKey(pub PublicKey);

impl Serialize for RegisteredKey {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64_STANDARD.encode(self.0.spki()))
    }
}

impl<'de> Deserialize<'de> for RegisteredKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let spki = BASE64_STANDARD.decode(text).map_err(|_| D::Error::custom("a signing key is base64"))?;
        check_key(&spki).map_err(|refusal| D::Error::custom(refusal.to_string()))?;
        Ok(Self(PublicKey::from_spki(spki)))
    }
}

/// Whether sign-on may begin at the identity provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdpInitiated {
    /// Whether it may at all.
    pub allowed: bool,
    /// RelayState values that may be asked for, letter by letter. Without RelayState none is sent.
    pub targets: Vec<String>,
}

/// What a Response is signed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signs {
    /// The assertion.
    #[default]
    Assertion,
    /// The response.
    Response,
    /// The assertion, and then the response.
    Both,
}

/// What a Response is signed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResponseAlgorithm {
    /// RSA with SHA-256.
    #[default]
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

impl ResponseAlgorithm {
    /// The same, as signatures know it.
    pub fn algorithm(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::Rs256,
            Self::Es256 => Algorithm::Es256,
        }
    }
}

/// Format of an attribute's name (SAML core section 8.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NameFormat {
    /// Not said.
    #[default]
    Unspecified,
    /// A URI.
    Uri,
    /// A plain name.
    Basic,
}

impl NameFormat {
    pub(crate) fn uri(self) -> &'static str {
        match self {
            Self::Unspecified => "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified",
            Self::Uri => "urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
            Self::Basic => "urn:oasis:names:tc:SAML:2.0:attrname-format:basic",
        }
    }
}

/// Which claim is sent as which attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeMapping {
    /// The claim in the user store.
    pub claim: String,
    /// The attribute's name.
    pub name: String,
    /// Format of the name.
    #[serde(default)]
    pub name_format: NameFormat,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub friendly_name: Option<String>,
}

/// A service provider as it is registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelyingParty {
    /// Entity ID.
    pub entity_id: String,
    /// Where Responses go: at least one.
    pub assertion_consumer_services: Vec<AssertionConsumerService>,
    /// Keys that its requests are signed with.
    #[serde(default)]
    pub signing_keys: Vec<RegisteredKey>,
    /// Whether an unsigned request is refused. A signature that is there is verified either way.
    #[serde(default)]
    pub requires_signed_requests: bool,
    /// Sign-on that begins here.
    #[serde(default)]
    pub idp_initiated: IdpInitiated,
    /// Whether and how it may resolve artifacts. Left out when it may not: a filter or a node of the
    /// version before does not know it.
    #[serde(default, skip_serializing_if = "ArtifactResolution::is_refused")]
    pub artifact_resolution: ArtifactResolution,
    /// What a Response is signed over.
    #[serde(default)]
    pub signs: Signs,
    /// What it is signed with.
    #[serde(default)]
    pub signature_algorithm: ResponseAlgorithm,
    /// NameIDs.
    #[serde(default)]
    pub name_id: NameIdSettings,
    /// Attributes.
    #[serde(default)]
    pub attributes: Vec<AttributeMapping>,
}

/// The members of a registration that the DMZ needs: those of [`EdgeRelyingParty`].
pub const EDGE_FIELDS: [&str; 6] = [
    "entity_id",
    "assertion_consumer_services",
    "signing_keys",
    "requires_signed_requests",
    "idp_initiated",
    "artifact_resolution",
];

/// What of a registration requests are judged by. Nothing else leaves the LAN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeRelyingParty {
    /// Entity ID.
    pub entity_id: String,
    /// Where Responses go.
    pub assertion_consumer_services: Vec<AssertionConsumerService>,
    /// Keys that its requests are signed with.
    #[serde(default)]
    pub signing_keys: Vec<RegisteredKey>,
    /// Whether an unsigned request is refused.
    #[serde(default)]
    pub requires_signed_requests: bool,
    /// Sign-on that begins here.
    #[serde(default)]
    pub idp_initiated: IdpInitiated,
    /// Whether and how it may resolve artifacts. Left out when it may not: a filter or a node of the
    /// version before does not know it.
    #[serde(default, skip_serializing_if = "ArtifactResolution::is_refused")]
    pub artifact_resolution: ArtifactResolution,
}

impl EdgeRelyingParty {
    /// The consumer service for a request that names none.
    pub(crate) fn default_service(&self) -> Option<&AssertionConsumerService> {
        let services = &self.assertion_consumer_services;
        services
            .iter()
            .find(|service| service.is_default)
            .or_else(|| services.iter().min_by_key(|service| service.index))
    }

    /// Its keys.
    pub(crate) fn keys(&self) -> Vec<PublicKey> {
        self.signing_keys.iter().map(|key| key.0.clone()).collect()
    }
}

impl RelyingParty {
    /// Reads a registration and checks it.
    ///
    /// # Errors
    /// `saml.registration.malformed`, and those of [`RelyingParty::check`].
    pub fn from_json(json: &[u8]) -> Result<Self, Refusal> {
        let party: Self = serde_json::from_slice(json).map_err(|error| {
            Refusal::configuration("saml.registration.malformed")
                .with_status(400)
                .expected("a SAML relying party")
                .found(&error.to_string())
        })?;
        party.check()?;
        Ok(party)
    }

    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// `saml.registration.entity-id`, `saml.registration.acs.none`, `saml.registration.acs.url`,
    /// `saml.registration.acs.duplicate`, `saml.registration.acs.defaults`,
    /// `saml.registration.keys.too-many`, `saml.registration.keys.none`.
    pub fn check(&self) -> Result<(), Refusal> {
        let length = self.entity_id.chars().count();
        let printable = !self.entity_id.chars().any(|c| c.is_control() || c.is_whitespace());
        if length == 0 || length > MAX_ENTITY_ID || !printable {
            return Err(wrong("saml.registration.entity-id", "entity_id", "1 to 1,024 printable characters"));
        }
        let services = &self.assertion_consumer_services;
        if services.is_empty() {
            return Err(wrong("saml.registration.acs.none", "assertion_consumer_services", "one at least"));
        }
        if let Some(service) = services.iter().find(|service| !is_protected_url(&service.url)) {
            let expected = "an https URL without a fragment, or an http URL of this machine";
            return Err(wrong("saml.registration.acs.url", "url", expected).found(&service.url));
        }
        for (at, service) in services.iter().enumerate() {
            if services.iter().skip(at.saturating_add(1)).any(|other| other.index == service.index) {
                return Err(wrong("saml.registration.acs.duplicate", "index", "indices that differ")
                    .found(&service.index.to_string()));
            }
        }
        if services.iter().filter(|service| service.is_default).count() > 1 {
            return Err(wrong("saml.registration.acs.defaults", "default", "one default at most"));
        }
        if self.signing_keys.len() > MAX_KEYS {
            return Err(wrong("saml.registration.keys.too-many", "signing_keys", "8 at most"));
        }
        let signs = self.requires_signed_requests || self.artifact_resolution == ArtifactResolution::Signed;
        if signs && self.signing_keys.is_empty() {
            return Err(wrong(
                "saml.registration.keys.none",
                "signing_keys",
                "a key to verify requests with",
            ));
        }
        Ok(())
    }

    /// What of it requests are judged by.
    pub fn edge(&self) -> EdgeRelyingParty {
        EdgeRelyingParty {
            entity_id: self.entity_id.clone(),
            assertion_consumer_services: self.assertion_consumer_services.clone(),
            signing_keys: self.signing_keys.clone(),
            requires_signed_requests: self.requires_signed_requests,
            idp_initiated: self.idp_initiated.clone(),
            artifact_resolution: self.artifact_resolution.clone(),
        }
    }
}

fn wrong(code: &'static str, field: &str, expected: &str) -> Refusal {
    Refusal::configuration(code).with_status(400).at(field).expected(expected)
}

impl fmt::Display for Signs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Assertion => "assertion",
            Self::Response => "response",
            Self::Both => "both",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTY: &str = r#"{"entity_id":"https://sp.example/metadata",
        "assertion_consumer_services":[{"url":"https://sp.example/acs"}],
        "attributes":[{"claim":"email","name":"mail"}]}"#;

    #[test]
    fn the_edge_gets_its_fields_and_no_others() {
        let mut party = RelyingParty::from_json(PARTY.as_bytes()).unwrap();
        assert!(!serde_json::to_string(&party.edge()).unwrap().contains("artifact_resolution"));
        party.artifact_resolution = ArtifactResolution::Signed;
        let mut json = serde_json::to_value(&party).unwrap();
        json.as_object_mut().unwrap().retain(|name, _| EDGE_FIELDS.contains(&name.as_str()));
        assert_eq!(json.as_object().unwrap().len(), EDGE_FIELDS.len());
        let edge: EdgeRelyingParty = serde_json::from_value(json).unwrap();
        assert_eq!(edge, party.edge());
        let whole = serde_json::to_value(&party).unwrap();
        assert!(serde_json::from_value::<EdgeRelyingParty>(whole).is_err());
    }

    #[test]
    fn registrations_are_checked() {
        let code = |json: &str| {
            RelyingParty::from_json(json.as_bytes())
                .map(|_| "accepted")
                .unwrap_or_else(|refusal| refusal.code)
        };
        assert_eq!(code(PARTY), "accepted");
        assert_eq!(code(&PARTY.replace("\"attributes\"", "\"atributes\"")), "saml.registration.malformed");
        assert_eq!(code(&PARTY.replace("https://sp.example/metadata", "")), "saml.registration.entity-id");
        for url in ["http://sp.example/acs", "https:///acs", "https://a@b/", "https://sp/#f", "javascript:x"]
        {
            assert_eq!(code(&PARTY.replace("https://sp.example/acs", url)), "saml.registration.acs.url");
        }
        for url in ["http://127.0.0.1:81/acs", "http://localhost/acs", "http://[::1]:8/acs"] {
            assert_eq!(code(&PARTY.replace("https://sp.example/acs", url)), "accepted");
        }
        let requires = PARTY.replace("\"attributes\"", "\"requires_signed_requests\":true,\"attributes\"");
        assert_eq!(code(&requires), "saml.registration.keys.none");
        let services = |more: &str| {
            let first = r#"{"url":"https://sp.example/acs","index":1,"default":true}"#;
            PARTY.replace(r#"{"url":"https://sp.example/acs"}"#, &format!("{first},{more}"))
        };
        let other = r#"{"url":"https://sp.example/b","index":2}"#;
        assert_eq!(code(&services(other)), "accepted");
        assert_eq!(code(&services(&other.replace('2', "1"))), "saml.registration.acs.duplicate");
        let second_default = other.replace("2}", "2,\"default\":true}");
        assert_eq!(code(&services(&second_default)), "saml.registration.acs.defaults");
        let mut party = RelyingParty::from_json(PARTY.as_bytes()).unwrap();
        party.signing_keys = vec![RegisteredKey(PublicKey::from_spki(vec![0x30])); MAX_KEYS];
        assert!(party.check().is_ok());
        party.signing_keys.push(RegisteredKey(PublicKey::from_spki(vec![0x30])));
        assert_eq!(party.check().unwrap_err().code, "saml.registration.keys.too-many");
    }
}

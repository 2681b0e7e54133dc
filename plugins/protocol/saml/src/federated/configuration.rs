use std::collections::BTreeSet;

use postern_endpoint::is_protected_url;
use postern_refusal::Refusal;
use postern_signature::PublicKey;
use serde::{Deserialize, Serialize};

use crate::RegisteredKey;
use crate::metadata::key_of;
use crate::registration::MAX_ENTITY_ID;

/// Most Assertions that a Response may be allowed to have: each costs a verification.
const MAX_ASSERTIONS: usize = 8;

/// Where Responses of federated identity providers arrive, such as `/commonauth`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssertionConsumer {
    /// Paths whose requests are judged, letter by letter.
    pub paths: Vec<String>,
    /// URLs of the service: Destination of a Response, Recipient of an Assertion.
    pub urls: Vec<String>,
    /// Our entity ID as a service provider: the Audience.
    pub entity_id: String,
    /// Whether other requests than Responses arrive there and pass: a login form, an answer of another
    /// protocol. Their parameters are not looked at, except that none of them carries a message.
    #[serde(default)]
    pub serves_other_forms: bool,
    /// Federated identity providers: who may send Responses there.
    pub identity_providers: Vec<IdentityProvider>,
}

impl AssertionConsumer {
    /// Checks what the types cannot say; whether the paths are plain is the decoder's to check.
    ///
    /// # Errors
    /// `saml.decoder.configuration`, which names the field.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if self.urls.is_empty() || !self.urls.iter().all(|url| is_protected_url(url)) {
            let expected = "https URLs without a fragment, or http URLs of this machine, one at least";
            return Err(wrong("urls", expected));
        }
        check_entity_id("entity_id", &self.entity_id)?;
        check_all(&self.identity_providers)
    }
}

/// Whose tokens WS-Federation brings (`wresult`), and whom they are for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConsumer {
    /// Our names at the identity providers, such as the `wtrealm` of our requests: the Audience is one of
    /// them.
    pub audiences: Vec<String>,
    /// Where tokens arrive: Recipient, where an Assertion of SAML 2.0 names one.
    #[serde(default)]
    pub recipients: Vec<String>,
    /// Who may send tokens. They answer no request that they could name, have one Assertion, and none that is
    /// encrypted.
    pub identity_providers: Vec<IdentityProvider>,
}

impl TokenConsumer {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// `saml.decoder.configuration`, which names the field.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if self.audiences.is_empty() {
            return Err(wrong("audiences", "one at least"));
        }
        self.audiences.iter().try_for_each(|audience| check_entity_id("audiences", audience))?;
        if !self.recipients.iter().all(|url| is_protected_url(url)) {
            return Err(wrong("recipients", "https URLs without a fragment, or http URLs of this machine"));
        }
        let is_plain = |own: &IdentityProvider| {
            !own.allows_unsolicited && !own.accepts_encrypted_assertions && own.max_assertions == 1
        };
        if !self.identity_providers.iter().all(is_plain) {
            return Err(wrong("identity_providers", "no options of SAML Responses"));
        }
        check_all(&self.identity_providers)
    }
}

fn check_all(providers: &[IdentityProvider]) -> Result<(), Refusal> {
    for (number, provider) in providers.iter().enumerate() {
        provider.check().map_err(|refusal| {
            let field = format!("identity_providers[{number}].{}", refusal.element);
            refusal.at(&field)
        })?;
    }
    let names: BTreeSet<&str> = providers.iter().map(|provider| provider.entity_id.as_str()).collect();
    if names.len() != providers.len() {
        return Err(wrong("identity_providers", "entity IDs that differ"));
    }
    Ok(())
}

pub(crate) fn check_entity_id(field: &str, entity_id: &str) -> Result<(), Refusal> {
    let printable = !entity_id.chars().any(|c| c.is_control() || c.is_whitespace());
    if !(1..=MAX_ENTITY_ID).contains(&entity_id.chars().count()) || !printable {
        return Err(wrong(field, "1 to 1,024 printable characters"));
    }
    Ok(())
}

fn wrong(field: &str, expected: &str) -> Refusal {
    Refusal::configuration("saml.decoder.configuration").at(field).expected(expected)
}

/// An identity provider as it is registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityProvider {
    /// Entity ID.
    pub entity_id: String,
    /// Keys that it signs with: one at least.
    pub signing_keys: Vec<RegisteredKey>,
    /// Whether a Response that answers no request is accepted. It lets anybody who has one sign somebody
    /// else in as themselves.
    #[serde(default)]
    pub allows_unsolicited: bool,
    /// Whether an Assertion may be encrypted. Only the LAN can read it, so that here nothing of it is
    /// judged; the Response around it has to be signed.
    #[serde(default)]
    pub accepts_encrypted_assertions: bool,
    /// Most Assertions of one Response.
    #[serde(default = "one")]
    pub max_assertions: usize,
}

fn one() -> usize {
    1
}

impl IdentityProvider {
    /// One that answers requests, with one Assertion that can be read.
    pub fn new(entity_id: &str, signing_keys: Vec<RegisteredKey>) -> Self {
        Self {
            entity_id: entity_id.to_owned(),
            signing_keys,
            allows_unsolicited: false,
            accepts_encrypted_assertions: false,
            max_assertions: one(),
        }
    }

    /// One that signs with the keys of these certificates (DER). Their dates and issuers say nothing in
    /// SAML: the operator vouches for the keys.
    ///
    /// # Errors
    /// `saml.metadata.certificate`, `saml.key.*`, `saml.decoder.configuration`.
    pub fn with_certificates(entity_id: &str, certificates: &[Vec<u8>]) -> Result<Self, Refusal> {
        let keys = certificates.iter().map(|der| key_of(der).map(RegisteredKey));
        let provider = Self::new(entity_id, keys.collect::<Result<_, _>>()?);
        provider.check()?;
        Ok(provider)
    }

    pub(crate) fn keys(&self) -> Vec<PublicKey> {
        self.signing_keys.iter().map(|key| key.0.clone()).collect()
    }

    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// `saml.decoder.configuration`, which names the field.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        check_entity_id("entity_id", &self.entity_id)?;
        if !(1..=8).contains(&self.signing_keys.len()) {
            return Err(wrong("signing_keys", "1 to 8 keys"));
        }
        if !(1..=MAX_ASSERTIONS).contains(&self.max_assertions) {
            return Err(wrong("max_assertions", "1 to 8"));
        }
        Ok(())
    }
}

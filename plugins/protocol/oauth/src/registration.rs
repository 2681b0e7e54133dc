//! What an operator allows a client. Member names are those of RFC 7591 and OpenID Connect
//! Dynamic Client Registration where these have one.

use std::collections::BTreeMap;

use crate::client_assertion::ASSERTION_ALGORITHMS;
use crate::redirect_uri::check_redirect_uri;
use postern_jose::json::{Value, read_object};
use postern_jose::{KeySet, MAX_TOKEN_LIFETIME, Scopes};
use postern_refusal::Refusal;
use postern_signature::Algorithm;
use serde::{Deserialize, Serialize};

/// Longest client identifier, in bytes.
pub(crate) const MAX_CLIENT_ID: usize = 256;

/// Most entries of each list.
const MAX_LIST: usize = 64;

/// A registered client. Serialised with every default written out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// The client's identifier.
    pub client_id: String,
    /// What people call it.
    #[serde(default)]
    pub client_name: Option<String>,
    /// Where codes may be sent, letter by letter.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Where a browser may be sent after sign-out, letter by letter.
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// How it authenticates: exactly this. `none` makes it a public client.
    #[serde(default)]
    pub token_endpoint_auth_method: AuthenticationMethod,
    /// The keys of `private_key_jwt`: a JWK Set.
    #[serde(default)]
    pub jwks: Option<Value>,
    /// What it may use at the token endpoint.
    #[serde(default = "default_grant_types")]
    pub grant_types: Vec<GrantType>,
    /// Scopes that it may ask for, divided by spaces.
    #[serde(default = "default_scope")]
    pub scope: String,
    /// How its ID tokens are signed.
    #[serde(default)]
    pub id_token_signed_response_alg: SigningAlgorithm,
    /// How its access tokens are signed.
    #[serde(default)]
    pub access_token_signed_response_alg: SigningAlgorithm,
    /// Seconds that an access token lives: 60 to 86,400.
    #[serde(default = "default_access_token_lifetime")]
    pub access_token_lifetime: u64,
    /// Seconds that a refresh token family lives with `offline_access`: 300 to a year.
    #[serde(default = "default_refresh_token_lifetime")]
    pub refresh_token_lifetime: u64,
    /// `aud` of its access tokens. Empty: the issuer.
    #[serde(default)]
    pub audience: Vec<String>,
    /// Audiences that it serves as a resource server: it may introspect their tokens.
    #[serde(default)]
    pub introspects: Vec<String>,
    /// Whether PKCE is required of a confidential client too. Public clients always need it.
    #[serde(default)]
    pub require_pkce: bool,
    /// Whether its authorization requests need a `state`.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub require_state: bool,
    /// Whether its authorization requests need a `nonce`.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub require_nonce: bool,
    /// Whether the person is asked before the client gets anything.
    #[serde(default)]
    pub require_consent: bool,
    /// Whether the client sees the kernel's identifier or one of its own sector.
    #[serde(default)]
    pub subject_type: SubjectType,
    /// The sector of `pairwise`. Default: the host of the redirect URIs, which has to be one.
    #[serde(default)]
    pub sector_identifier: Option<String>,
    /// More claims: name of the claim to where it comes from.
    #[serde(default)]
    pub claims: BTreeMap<String, ClaimMapping>,
    /// Whether the claims of the scopes are in the ID token as well as at userinfo.
    #[serde(default)]
    pub claims_in_id_token: bool,
}

/// `token_endpoint_auth_method` (RFC 7591 section 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationMethod {
    /// A public client.
    None,
    /// In the Authorization header.
    #[default]
    ClientSecretBasic,
    /// In the body.
    ClientSecretPost,
    /// RFC 7523.
    PrivateKeyJwt,
}

impl AuthenticationMethod {
    /// The name as it is registered.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
}

/// `grant_types`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 section 4.1.
    AuthorizationCode,
    /// RFC 6749 section 6.
    RefreshToken,
    /// RFC 6749 section 4.4.
    ClientCredentials,
}

/// Algorithms that we sign with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "JWA names")]
pub enum SigningAlgorithm {
    #[default]
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl From<SigningAlgorithm> for Algorithm {
    fn from(algorithm: SigningAlgorithm) -> Self {
        match algorithm {
            SigningAlgorithm::Rs256 => Self::Rs256,
            SigningAlgorithm::Es256 => Self::Es256,
            SigningAlgorithm::EdDsa => Self::EdDsa,
        }
    }
}

/// `subject_type` (OpenID Connect Core section 8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectType {
    /// The same for every client.
    #[default]
    Public,
    /// Another for each sector.
    Pairwise,
}

/// Where a claim comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimMapping {
    /// Name of the claim in the user store.
    pub from: String,
    /// The scope that gives it.
    #[serde(default = "default_claim_scope")]
    pub scope: String,
    /// Whether it is an array of all values, or the first value.
    #[serde(default)]
    pub array: bool,
}

fn default_grant_types() -> Vec<GrantType> {
    vec![GrantType::AuthorizationCode]
}

fn default_scope() -> String {
    "openid profile email".to_owned()
}

fn default_claim_scope() -> String {
    "profile".to_owned()
}

fn default_access_token_lifetime() -> u64 {
    300
}

fn default_refresh_token_lifetime() -> u64 {
    30 * 86_400
}

impl Registration {
    /// Reads and checks what an operator hands in, or what was stored.
    ///
    /// # Errors
    /// `oauth.registration.invalid`, naming the field; the `json.…` codes; those of the keys.
    pub fn read(json: &[u8]) -> Result<Self, Refusal> {
        let object = read_object("registration", json).map_err(|mut refusal| {
            refusal.fault = postern_refusal::Fault::Configuration;
            refusal
        })?;
        let registration: Self = serde_json::from_value(Value::Object(object)).map_err(|error| {
            Refusal::configuration("oauth.registration.invalid")
                .at("registration")
                .expected("an OAuth client's registration")
                .found(&error.to_string())
                .with_status(400)
        })?;
        registration.check().map_err(|refusal| refusal.with_status(400))?;
        Ok(registration)
    }

    /// Whether the client has to hold a secret.
    pub fn needs_secret(&self) -> bool {
        use AuthenticationMethod::{ClientSecretBasic, ClientSecretPost};
        matches!(self.token_endpoint_auth_method, ClientSecretBasic | ClientSecretPost)
    }

    /// The scopes that it may ask for.
    ///
    /// # Errors
    /// `oauth.registration.invalid`.
    pub fn scopes(&self) -> Result<Scopes, Refusal> {
        if self.scope.is_empty() {
            return Ok(Scopes::default());
        }
        Scopes::read(&self.scope).map_err(|refusal| invalid("scope", &refusal.expected))
    }

    /// Whether all of the scopes are registered.
    ///
    /// # Errors
    /// `oauth.scope.not-registered`.
    pub fn check_scopes(&self, scopes: &Scopes) -> Result<(), Refusal> {
        match scopes.first_beyond(&self.scopes()?) {
            None => Ok(()),
            Some(beyond) => Err(Refusal::misbehaved("oauth.scope.not-registered")
                .at("scope")
                .expected(&self.scope)
                .found(beyond)),
        }
    }

    /// The keys of `private_key_jwt`.
    ///
    /// # Errors
    /// `oauth.registration.invalid` when there are none, and those of [`KeySet::read`].
    pub fn key_set(&self) -> Result<KeySet, Refusal> {
        let jwks = self.jwks.as_ref().ok_or_else(|| invalid("jwks", "the client's keys"))?;
        KeySet::read(jwks.to_string().as_bytes())
    }

    /// The sector of pairwise identifiers.
    pub fn sector(&self) -> &str {
        match &self.sector_identifier {
            Some(sector) => sector,
            None => self.redirect_uris.first().and_then(|uri| host_of(uri)).unwrap_or(&self.client_id),
        }
    }

    fn check(&self) -> Result<(), Refusal> {
        let graphic = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        demand(
            "client_id",
            "1 to 256 printable ASCII characters",
            graphic(&self.client_id) && self.client_id.len() <= MAX_CLIENT_ID,
        )?;
        let named = |name: &String| (1..=256).contains(&name.len()) && !name.chars().any(char::is_control);
        demand("client_name", "1 to 256 bytes", self.client_name.as_ref().is_none_or(named))?;
        self.check_lists()?;
        self.check_flows()?;
        self.check_keys()?;
        self.scopes()?;
        demand(
            "access_token_lifetime",
            &format!("60 to {MAX_TOKEN_LIFETIME}"),
            (60..=MAX_TOKEN_LIFETIME).contains(&self.access_token_lifetime),
        )?;
        demand(
            "refresh_token_lifetime",
            "300 to 31,536,000",
            (300..=31_536_000).contains(&self.refresh_token_lifetime),
        )?;
        self.check_sector()?;
        self.check_claims()
    }

    fn check_lists(&self) -> Result<(), Refusal> {
        let uris = [
            ("redirect_uris", &self.redirect_uris),
            ("post_logout_redirect_uris", &self.post_logout_redirect_uris),
        ];
        for (field, list) in uris {
            demand(field, "64 at most", list.len() <= MAX_LIST)?;
            list.iter().try_for_each(|uri| check_redirect_uri(field, uri))?;
        }
        for (field, list) in [("audience", &self.audience), ("introspects", &self.introspects)] {
            let text = |value: &String| {
                (1..=2_048).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic())
            };
            demand(field, "16 printable texts at most", list.len() <= 16 && list.iter().all(text))?;
        }
        Ok(())
    }

    fn check_flows(&self) -> Result<(), Refusal> {
        let has = |grant_type| self.grant_types.contains(&grant_type);
        demand("grant_types", "one at least", !self.grant_types.is_empty() && self.grant_types.len() <= 3)?;
        demand(
            "redirect_uris",
            "a redirect URI exactly when grant_types has authorization_code",
            has(GrantType::AuthorizationCode) != self.redirect_uris.is_empty(),
        )?;
        demand(
            "grant_types",
            "refresh_token together with authorization_code",
            !has(GrantType::RefreshToken) || has(GrantType::AuthorizationCode),
        )?;
        let public = self.token_endpoint_auth_method == AuthenticationMethod::None;
        // RFC 6749 section 4.4: only for clients that can keep a secret.
        demand(
            "grant_types",
            "no client_credentials for a public client",
            !(public && has(GrantType::ClientCredentials)),
        )?;
        demand("introspects", "a confidential client", !public || self.introspects.is_empty())
    }

    fn check_keys(&self) -> Result<(), Refusal> {
        let needs_keys = self.token_endpoint_auth_method == AuthenticationMethod::PrivateKeyJwt;
        demand("jwks", "keys exactly when the method is private_key_jwt", needs_keys == self.jwks.is_some())?;
        if !needs_keys {
            return Ok(());
        }
        let keys = self.key_set().map_err(|refusal| invalid("jwks", &refusal.to_string()))?;
        let usable = |algorithm: &Algorithm| keys.keys().iter().any(|key| key.fits(*algorithm));
        demand("jwks", "a key for RS256, PS256, ES256 or EdDSA", ASSERTION_ALGORITHMS.iter().any(usable))
    }

    fn check_sector(&self) -> Result<(), Refusal> {
        let text = |sector: &String| (1..=256).contains(&sector.len()) && sector.is_ascii();
        demand("sector_identifier", "1 to 256 ASCII characters", self.sector_identifier.iter().all(text))?;
        if self.subject_type == SubjectType::Public || self.sector_identifier.is_some() {
            return Ok(());
        }
        let mut hosts = self.redirect_uris.iter().map(|uri| host_of(uri));
        let first = hosts.next().flatten();
        demand(
            "sector_identifier",
            "one, as the redirect URIs of this pairwise client have several hosts",
            hosts.all(|host| host == first),
        )
    }

    fn check_claims(&self) -> Result<(), Refusal> {
        // Claims that say what the token is must not be replaced by what the user store says.
        const RESERVED: [&str; 18] = [
            "iss",
            "sub",
            "aud",
            "exp",
            "nbf",
            "iat",
            "jti",
            "nonce",
            "at_hash",
            "c_hash",
            "azp",
            "auth_time",
            "acr",
            "amr",
            "sid",
            "client_id",
            "scope",
            "grant",
        ];
        demand("claims", "64 at most", self.claims.len() <= MAX_LIST)?;
        for (name, mapping) in &self.claims {
            let named = |text: &str| (1..=128).contains(&text.len()) && !text.chars().any(char::is_control);
            let scope = Scopes::read(&mapping.scope).is_ok_and(|scopes| scopes.tokens().len() == 1);
            demand(
                &format!("claims.{name}"),
                "a claim that no specification reserves, from a claim of the user store, by one scope",
                named(name) && !RESERVED.contains(&name.as_str()) && named(&mapping.from) && scope,
            )?;
        }
        Ok(())
    }
}

/// Host and port of a checked URI.
fn host_of(uri: &str) -> Option<&str> {
    let rest = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://"))?;
    rest.split(['/', '?']).next()
}

fn demand(field: &str, expected: &str, holds: bool) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(invalid(field, expected)) }
}

fn invalid(field: &str, expected: &str) -> Refusal {
    Refusal::configuration("oauth.registration.invalid").at(field).expected(expected)
}

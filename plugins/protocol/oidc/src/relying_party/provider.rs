//! What a provider says of itself (OpenID Connect Discovery 1.0 sections 3 and 4, RFC 8414).

use postern_jose::json::{Object, Value, read_object};
use postern_refusal::Refusal;

/// Largest document, in bytes.
pub const MAX_PROVIDER_METADATA: usize = 65_536;

/// Longest URL of an endpoint, in bytes.
const MAX_ENDPOINT: usize = 1_024;

/// Where a provider answers, and what it offers of what is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderMetadata {
    /// `issuer`: letter by letter the configured one.
    pub issuer: String,
    /// `authorization_endpoint`.
    pub authorization_endpoint: String,
    /// `token_endpoint`.
    pub token_endpoint: String,
    /// `jwks_uri`.
    pub jwks_uri: String,
    /// `userinfo_endpoint`, when there is one.
    pub userinfo_endpoint: Option<String>,
    /// `authorization_response_iss_parameter_supported` (RFC 9207 section 3).
    pub sends_issuer: bool,
}

/// Where the document of an issuer is (Discovery section 4): its `issuer`, a slash at the end left out, and
/// `/.well-known/openid-configuration`.
pub fn discovery_url(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer))
}

impl ProviderMetadata {
    /// Reads the document that `issuer` published.
    ///
    /// `has_secret`: whether the client authenticates, by `client_secret_basic`; a public client does not.
    ///
    /// # Errors
    /// `oidc.provider.too-long`, the `json.…` codes, `oidc.provider.member`, `oidc.provider.issuer` (a document
    /// of somebody else: RFC 9207's mix-up begins there), `oidc.provider.endpoint`,
    /// `oidc.provider.unsupported`.
    pub fn read(document: &[u8], issuer: &str, has_secret: bool) -> Result<Self, Refusal> {
        if document.len() > MAX_PROVIDER_METADATA {
            return Err(Refusal::misbehaved("oidc.provider.too-long").expected("65,536 bytes at most"));
        }
        let object = read_object("provider metadata", document)?;
        let found = required(&object, "issuer")?;
        if found != issuer {
            return Err(Refusal::misbehaved("oidc.provider.issuer")
                .at("issuer")
                .expected(issuer)
                .found(found));
        }
        offers(&object, "response_types_supported", "code", true)?;
        // Left out it says nothing about PKCE; who does not know it ignores the challenge.
        offers(&object, "code_challenge_methods_supported", "S256", false)?;
        offers(&object, "response_modes_supported", "query", false)?;
        offers(&object, "grant_types_supported", "authorization_code", false)?;
        let method = if has_secret { "client_secret_basic" } else { "none" };
        offers(&object, "token_endpoint_auth_methods_supported", method, !has_secret)?;
        Ok(Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: endpoint(&object, "authorization_endpoint")?,
            token_endpoint: endpoint(&object, "token_endpoint")?,
            jwks_uri: endpoint(&object, "jwks_uri")?,
            userinfo_endpoint: match object.get("userinfo_endpoint") {
                None => None,
                Some(_) => Some(endpoint(&object, "userinfo_endpoint")?),
            },
            sends_issuer: match object.get("authorization_response_iss_parameter_supported") {
                None => false,
                Some(Value::Bool(sends)) => *sends,
                Some(_) => {
                    let name = "authorization_response_iss_parameter_supported";
                    return Err(member(name, "true or false"));
                }
            },
        })
    }
}

fn member(name: &str, expected: &str) -> Refusal {
    Refusal::misbehaved("oidc.provider.member").at(name).expected(expected)
}

fn required<'o>(object: &'o Object, name: &str) -> Result<&'o str, Refusal> {
    object.get(name).and_then(Value::as_str).ok_or_else(|| member(name, "a string"))
}

/// An endpoint: `https`, or `http` of a loopback address for development; no fragment, no user information.
fn endpoint(object: &Object, name: &str) -> Result<String, Refusal> {
    let url = required(object, name)?;
    if is_endpoint(url) {
        return Ok(url.to_owned());
    }
    Err(Refusal::misbehaved("oidc.provider.endpoint").at(name).expected("an absolute https URL").found(url))
}

fn is_endpoint(url: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte);
    let authority = |rest: &str| rest.split(['/', '?']).next().unwrap_or_default().to_owned();
    let is_loopback = |authority: &str| {
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        host == "127.0.0.1" || host == "[::1]"
    };
    let is_place = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => !authority(rest).is_empty() && !authority(rest).contains('@'),
        (None, Some(rest)) => is_loopback(&authority(rest)),
        (None, None) => false,
    };
    is_place && url.len() <= MAX_ENDPOINT && url.bytes().all(is_allowed)
}

/// Whether the list has the value. One that is left out has it when it is not `required`.
fn offers(object: &Object, name: &str, value: &str, required: bool) -> Result<(), Refusal> {
    let unsupported = || Refusal::incompatible("oidc.provider.unsupported").at(name).expected(value);
    match object.get(name) {
        None if required => Err(unsupported()),
        None => Ok(()),
        Some(Value::Array(values)) if values.iter().any(|found| found == value) => Ok(()),
        Some(Value::Array(_)) => Err(unsupported()),
        Some(_) => Err(member(name, "a list")),
    }
}

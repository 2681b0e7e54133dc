//! Calls to the provider, made by the host.

use postern_jose::KeySet;
use postern_jose::json::Object;
use postern_oidc::relying_party::{
    PendingSignIn, ProviderMetadata, TokenAnswer, discovery_url, judge_userinfo,
};

use crate::bindings::postern::idp::outbound::{self, Header, Method, Request, Response};
use crate::problem::Problem;
use crate::settings::Settings;

/// The provider's metadata: what is kept of it will do.
pub(crate) fn metadata(settings: &Settings) -> Result<ProviderMetadata, Problem> {
    let response = send("discovery", &get(&discovery_url(&settings.issuer), true))?;
    ok("discovery", &response)?;
    Ok(ProviderMetadata::read(&response.body, &settings.issuer, settings.credential.is_some())?)
}

/// Its keys. Anew, when one is missing in those that were kept.
pub(crate) fn keys(provider: &ProviderMetadata, is_kept_good: bool) -> Result<KeySet, Problem> {
    let response = send("jwks", &get(&provider.jwks_uri, is_kept_good))?;
    ok("jwks", &response)?;
    Ok(KeySet::read_unnamed(&response.body)?)
}

/// Tokens for the code (RFC 6749 section 4.1.3, RFC 7636 section 4.5). The secret is added by the host.
pub(crate) fn tokens(
    settings: &Settings,
    provider: &ProviderMetadata,
    redirect_uri: &str,
    code: &str,
    pending: &PendingSignIn,
) -> Result<TokenAnswer, Problem> {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("code_verifier", &pending.code_verifier),
    ];
    if settings.credential.is_none() {
        fields.push(("client_id", &settings.client_id));
    }
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let request = Request {
        method: Method::Post,
        url: provider.token_endpoint.clone(),
        headers: vec![
            header("accept", "application/json"),
            header("content-type", "application/x-www-form-urlencoded"),
        ],
        body: pairs.join("&").into_bytes(),
        credential: settings.credential.clone(),
        cached: false,
    };
    let response = send("token endpoint", &request)?;
    Ok(TokenAnswer::read(response.status, &response.body)?)
}

/// Further claims about the person.
pub(crate) fn userinfo(endpoint: &str, access_token: &str, subject: &str) -> Result<Object, Problem> {
    let mut request = get(endpoint, false);
    request.headers.push(header("authorization", &format!("Bearer {access_token}")));
    let response = send("userinfo", &request)?;
    let kind = response.headers.iter().find(|header| header.name == "content-type");
    let kind = kind.map(|header| header.value.as_str()).unwrap_or_default();
    Ok(judge_userinfo(response.status, kind, &response.body, subject)?)
}

fn get(url: &str, cached: bool) -> Request {
    Request {
        method: Method::Get,
        url: url.into(),
        headers: vec![header("accept", "application/json")],
        body: Vec::new(),
        credential: None,
        cached,
    }
}

fn header(name: &str, value: &str) -> Header {
    Header { name: name.into(), value: value.into() }
}

fn send(what: &str, request: &Request) -> Result<Response, Problem> {
    outbound::send(request).map_err(|error| Problem::new(&format!("{what}: {}", error.name())))
}

fn ok(what: &str, response: &Response) -> Result<(), Problem> {
    if response.status == 200 {
        return Ok(());
    }
    Err(Problem::new(&format!("{what}: status {}", response.status)))
}

/// All but unreserved characters (RFC 3986 section 2.3).
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
        encoded
    })
}

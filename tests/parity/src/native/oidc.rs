//! `postern-oauth` and `postern-oidc`: what comes to the endpoints of the module `oidc`.
use postern_form::Form;
use postern_jose::KeySet;
use postern_keys::NativeVerifier;
use postern_oauth::{
    AuthorizationClient, AuthorizationRequest, ClientCredentials, Registration, TokenError, TokenRequest,
    client_id, unknown_client,
};
use postern_oidc::{
    AuthenticationRequest, AuthorizationGuard, IdTokenHint, LogoutRequest, SIGNING_ALGORITHMS,
    browser_parameters, judge_id_token_hint,
};
use postern_refusal::Refusal;
use postern_vectors::{Keys, Request, Vector, Verdict, registry};

use super::token::jwks;
use crate::{BASE_URL, now, verdict};

/// The verdict on the vector's last request.
///
/// # Panics
/// When the vector is no good or has another rule.
pub fn judge(vector: &Vector) -> Verdict {
    let requests = vector.materialise(Keys::shared(), now(), BASE_URL, 1);
    let request = requests.last().expect("a request");
    verdict(match vector.rule.as_str() {
        "authorization-request" => authorization_request(request),
        "client-authentication" => client_authentication(request).map(|_| ()).map_err(|error| error.refusal),
        "token-request" => token_request(request).map_err(|error| error.refusal),
        "logout-request" => logout_request(request),
        "client-registration" => Registration::read(&request.body).map(|_| ()),
        other => panic!("{}: {other} is no rule of the module oidc", vector.name),
    })
}

/// The client of the standard registry.
fn registration(client_id: &str) -> Option<Registration> {
    let registered = registry(Keys::shared(), BASE_URL).into_iter();
    registered.filter(|party| party.module == "oidc").find(|party| party.identifier == client_id).map(
        |party| {
            Registration::read(party.settings.to_string().as_bytes())
                .expect("a registration that can be read")
        },
    )
}

/// The query of a GET, the body of a POST.
fn form(request: &Request) -> Result<Form<'_>, Refusal> {
    let query = request.target.splitn(2, |byte| *byte == b'?').nth(1).unwrap_or_default();
    browser_parameters(request.method == "POST", query, &request.body)
}

fn authorization_request(request: &Request) -> Result<(), Refusal> {
    let form = form(request)?;
    let client_id = client_id(&form)?;
    let registration = registration(client_id).ok_or_else(|| unknown_client(client_id))?;
    let authorization = AuthorizationRequest::judge(&form, &AuthorizationClient::of(&registration))
        .map_err(|error| error.refusal().clone())?;
    let authentication = AuthenticationRequest::judge(&form, &authorization.target)
        .map_err(|error| error.refusal().clone())?;
    match authentication.id_token_hint {
        Some(text) => hint(&text)?.check_client(client_id),
        None => Ok(()),
    }
}

/// What the edge gets to know of the standard registry's clients.
///
/// # Panics
/// Not in practice.
pub fn authorization_guard(base_url: &str) -> AuthorizationGuard {
    let clients = registry(Keys::shared(), base_url).into_iter().filter(|party| party.module == "oidc");
    let clients = clients.map(|party| {
        let registration = Registration::read(party.settings.to_string().as_bytes());
        AuthorizationClient::of(&registration.expect("a registration that can be read"))
    });
    AuthorizationGuard::new(vec!["/oauth2/authorize".into()], clients.collect()).expect("a guard")
}

fn hint(text: &str) -> Result<IdTokenHint, Refusal> {
    let keys = KeySet::read(jwks().as_bytes())?;
    judge_id_token_hint(text, BASE_URL, &SIGNING_ALGORITHMS, &keys, &NativeVerifier)
        .map(|hint| hint.into_inner())
}

/// Up to the step that is the kernel's: comparing the secret, remembering the assertion.
fn client_authentication(request: &Request) -> Result<Registration, TokenError> {
    let form = form(request).map_err(TokenError::request)?;
    let authorization = request
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        .map(|(_, value)| String::from_utf8_lossy(value).into_owned());
    let credentials = ClientCredentials::read(&form, authorization.as_deref())?;
    let registration = registration(credentials.client_id()).ok_or_else(|| credentials.unknown_client())?;
    let token_endpoint = format!("{BASE_URL}/oauth2/token");
    credentials.judge(&registration, &[BASE_URL, &token_endpoint], now(), &NativeVerifier)?;
    Ok(registration)
}

fn token_request(request: &Request) -> Result<(), TokenError> {
    let registration = client_authentication(request)?;
    let form = form(request).map_err(TokenError::request)?;
    TokenRequest::read(&form, &registration).map(|_| ())
}

fn logout_request(request: &Request) -> Result<(), Refusal> {
    let form = form(request)?;
    let logout = LogoutRequest::read(&form)?;
    let hint = logout.id_token_hint.as_deref().map(hint).transpose()?;
    let registration = match logout.client_id(hint.as_ref())? {
        None => None,
        Some(client_id) => Some(registration(client_id).ok_or_else(|| unknown_client(client_id))?),
    };
    logout.target(registration.as_ref()).map(|_| ())
}

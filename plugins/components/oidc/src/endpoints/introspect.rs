//! `/oauth2/introspect` (RFC 7662), for access tokens. What a caller may not know about looks
//! like a token that does not exist.

use super::revoked_token;
use crate::bindings::kernel;
use crate::bindings::types::{Request, Response};
use crate::client::{Client, authenticate, refused};
use crate::keys::{KernelVerifier, own_keys};
use crate::reply::{self, Failed};
use crate::settings::Settings;
use postern_form::Form;
use postern_jose::json::{Object, Value};
use postern_jose::{
    ACCESS_TOKEN_TYPES, AccessToken, AccessTokenRule, MAX_TOKEN_LIFETIME, judge_access_token,
};
use postern_oauth::{AuthenticationMethod, TokenError, TokenQuery};
use postern_oidc::SIGNING_ALGORITHMS;
use postern_refusal::Refusal;

pub(crate) fn handle(request: &Request) -> Response {
    match answer(request) {
        Ok(body) => Response::Document(reply::json(200, Value::Object(body).to_string())),
        Err(failed) => reply::failed(&failed),
    }
}

fn answer(request: &Request) -> Result<Object, Failed> {
    let form = Form::parse(&request.body).map_err(TokenError::request)?;
    let client = authenticate(&form, request)?;
    if client.registration.token_endpoint_auth_method == AuthenticationMethod::None {
        // RFC 7662 section 2.1: nobody may fish for tokens.
        let refusal = Refusal::misbehaved("oauth.introspection.public-client").at("client_id");
        return Err(refused(&client, TokenError::client(refusal)));
    }
    let TokenQuery::AccessToken(text) = TokenQuery::read(&form)? else { return Ok(inactive()) };
    let token = find_access_token(&client, text.expose())?;
    Ok(token.filter(is_alive).map_or_else(inactive, |token| active(&token)))
}

/// An access token that this client holds, or that was made for an audience that it serves.
pub(super) fn find_access_token(client: &Client, text: &str) -> Result<Option<AccessToken>, Refusal> {
    let issuer = kernel::base_url();
    let registration = &client.registration;
    let served: Vec<&str> = registration.introspects.iter().map(String::as_str).collect();
    let own = registration.audience.iter().map(String::as_str).chain([issuer.as_str()]);
    let audiences: Vec<&str> = served.iter().copied().chain(own).collect();
    let rule = AccessTokenRule {
        issuer: &issuer,
        audiences: &audiences,
        algorithms: &SIGNING_ALGORITHMS,
        types: &ACCESS_TOKEN_TYPES,
        max_lifetime: MAX_TOKEN_LIFETIME,
        skew: Settings::read()?.clock_skew,
    };
    let Ok(token) = judge_access_token(text, &rule, &own_keys()?, kernel::now(), &KernelVerifier) else {
        return Ok(None);
    };
    let token = token.into_inner();
    let serves = token.audience.iter().any(|audience| served.contains(&audience.as_str()));
    Ok((serves || token.client_id == client.client_id()).then_some(token))
}

fn is_alive(token: &AccessToken) -> bool {
    // A client that was switched off or removed is not found any more.
    let Ok(Some(client)) = Client::find(&token.client_id) else { return false };
    match &token.grant {
        Some(grant) => kernel::find_grant(grant).is_some_and(|grant| {
            grant.relying_party == client.id && kernel::claims(&grant.subject).is_some()
        }),
        None => !revoked_token::is_revoked(token),
    }
}

fn inactive() -> Object {
    Object::from_iter([("active".to_owned(), false.into())])
}

/// Members of RFC 7662 section 2.2, and of RFC 9470 section 6.2 how and when the person signed in. No `cnf`:
/// no token of ours is bound to a key.
fn active(token: &AccessToken) -> Object {
    let mut body =
        Object::from_iter([("active".to_owned(), true.into()), ("token_type".to_owned(), "Bearer".into())]);
    for name in ["iss", "sub", "aud", "client_id", "scope", "exp", "iat", "jti", "auth_time", "acr"] {
        if let Some(value) = token.claims.get(name) {
            body.insert(name.to_owned(), value.clone());
        }
    }
    body
}

//! `/oauth2/userinfo` (OpenID Connect Core section 5.3).

use crate::bindings::kernel;
use crate::bindings::types::{Request, Response};
use crate::client::Client;
use crate::issue::subject_claims;
use crate::keys::{KernelVerifier, own_keys};
use crate::reply;
use crate::settings::Settings;
use postern_jose::validator::{Denial, check_scopes, deny, read_bearer};
use postern_jose::{
    ACCESS_TOKEN_TYPES, AccessToken, AccessTokenRule, MAX_TOKEN_LIFETIME, check_binding, judge_access_token,
};
use postern_oidc::{SIGNING_ALGORITHMS, released_claims, userinfo};
use postern_refusal::Refusal;

pub(crate) fn handle(request: &Request) -> Response {
    match answer(request) {
        Ok(body) => Response::Document(reply::json(200, body)),
        Err(denial) if denial.refusal.status >= 500 => reply::refused(&denial.refusal),
        Err(denial) => reply::denied(&denial),
    }
}

fn answer(request: &Request) -> Result<String, Denial> {
    let authorization = request.authorization.as_deref().map(str::as_bytes);
    let token = read_bearer(authorization.as_slice())?;
    let issuer = kernel::base_url();
    let rule = AccessTokenRule {
        issuer: &issuer,
        audiences: &[&issuer],
        algorithms: &SIGNING_ALGORITHMS,
        types: &ACCESS_TOKEN_TYPES,
        max_lifetime: MAX_TOKEN_LIFETIME,
        skew: Settings::read().map_err(internal)?.clock_skew,
    };
    let keys = own_keys().map_err(internal)?;
    let token =
        judge_access_token(token, &rule, &keys, kernel::now(), &KernelVerifier).map_err(deny)?.into_inner();
    check_binding(&token, None, None).map_err(deny)?;
    check_scopes(&token, &["openid".to_owned()])?;
    let (client, grant) = live_grant(&token)?;
    let claims = subject_claims(&grant.subject)
        .ok_or_else(|| deny(Refusal::misbehaved("token.person.gone").at("sub")))?;
    let released = released_claims(&client.registration, &token.scopes, &claims);
    Ok(userinfo(released, &token.subject))
}

/// A token is good as long as its grant.
fn live_grant(token: &AccessToken) -> Result<(Client, kernel::Grant), Denial> {
    let ended = || deny(Refusal::misbehaved("token.grant.ended").at("grant"));
    let grant = token.grant.as_deref().and_then(kernel::find_grant).ok_or_else(ended)?;
    let client = Client::by_id(&grant.relying_party).map_err(internal)?.ok_or_else(ended)?;
    if client.client_id() == token.client_id { Ok((client, grant)) } else { Err(ended()) }
}

fn internal(refusal: Refusal) -> Denial {
    Denial { refusal: refusal.with_status(500), challenge: None, dpop_nonce: None }
}

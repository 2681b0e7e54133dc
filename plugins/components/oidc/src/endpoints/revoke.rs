//! `/oauth2/revoke` (RFC 7009). A token that nobody knows is as good as revoked: 200.

use super::introspect::find_access_token;
use super::{revoked_token, token_for_code};
use crate::bindings::kernel::{self, Taken};
use crate::bindings::types::{Request, Response};
use crate::client::{Client, authenticate, refused};
use crate::reply::{self, Failed};
use postern_form::Form;
use postern_oauth::{OneTimeValue, TokenError, TokenQuery};
use postern_oidc::RefreshData;
use postern_refusal::Refusal;

pub(crate) fn handle(request: &Request) -> Response {
    match answer(request) {
        Ok(()) => Response::Document(reply::json(200, "{}".to_owned())),
        Err(failed) => reply::failed(&failed),
    }
}

fn answer(request: &Request) -> Result<(), Failed> {
    let form = Form::parse(&request.body).map_err(TokenError::request)?;
    let client = authenticate(&form, request)?;
    match TokenQuery::read(&form)? {
        TokenQuery::RefreshToken(token) => revoke_refresh_token(&client, &token),
        TokenQuery::AccessToken(text) => {
            match find_access_token(&client, text.expose())? {
                Some(token) if token.client_id == client.client_id() => match &token.grant {
                    Some(grant) => token_for_code::revoke(&client, grant, "revoked by the client"),
                    None => revoked_token::revoke(&token),
                },
                _ => {}
            }
            Ok(())
        }
    }
}

/// The whole family ends with any of its tokens (RFC 7009 section 2.1).
fn revoke_refresh_token(client: &Client, token: &OneTimeValue) -> Result<(), Failed> {
    let grant = match kernel::take(&token.storage_key()) {
        Taken::Fresh(kept) => RefreshData::from_bytes(&kept).map(|kept| kept.grant),
        Taken::Spent(grant) => grant,
        Taken::Absent => None,
    };
    let Some(grant) = grant else { return Ok(()) };
    let foreign = kernel::find_grant(&grant).is_some_and(|grant| grant.relying_party != client.id);
    // A refresh token in the hands of another client has leaked: its family ends all the same.
    token_for_code::revoke(client, &grant, "revoked by the client");
    if foreign {
        let refusal = Refusal::misbehaved("oauth.grant.other-client").at("token");
        return Err(refused(client, TokenError::grant(refusal)));
    }
    Ok(())
}

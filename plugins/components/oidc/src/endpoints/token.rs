//! `/oauth2/token`.

use super::{token_for_code, token_for_refresh};
use crate::bindings::types::{Request, Response};
use crate::client::{authenticate, refused};
use crate::issue::client_credentials_response;
use crate::reply::{self, Failed};
use postern_form::Form;
use postern_oauth::{AuthenticationMethod, GrantRequest, TokenError, TokenRequest};

pub(crate) fn handle(request: &Request) -> Response {
    answer(request).unwrap_or_else(|failed| reply::failed(&failed))
}

fn answer(request: &Request) -> Result<Response, Failed> {
    let form = Form::parse(&request.body).map_err(TokenError::request)?;
    let client = authenticate(&form, request)?;
    let token_request =
        TokenRequest::read(&form, &client.registration).map_err(|error| refused(&client, error))?;
    let body = match token_request.grant {
        GrantRequest::AuthorizationCode { code, redirect_uri, code_verifier } => {
            token_for_code::exchange(&client, &code, &redirect_uri, code_verifier.as_ref())?
        }
        GrantRequest::RefreshToken { refresh_token, scopes } => {
            token_for_refresh::refresh(&client, &refresh_token, scopes)?
        }
        GrantRequest::ClientCredentials { scopes } => client_credentials_response(&client, &scopes)?,
    };
    let mut document = reply::json(200, body);
    // Scripts of a public client redeem their codes themselves; no cookie counts here, and a
    // code is worth nothing without its verifier.
    if client.registration.token_endpoint_auth_method == AuthenticationMethod::None {
        document.headers.push(reply::header("access-control-allow-origin", "*"));
    }
    Ok(Response::Document(document))
}

//! Requests of OAuth 2.0 and OpenID Connect, and their clients: see `mod.rs`.
use postern_form::Form;
use postern_oauth::{
    AuthorizationClient, AuthorizationRequest, ClientCredentials, Registration, TokenRequest,
};
use postern_oidc::{AuthenticationRequest, LogoutRequest};
use postern_refusal::Refusal;

use super::{BASE_URL, NOW, NothingIsGood};

/// Nothing is sent anywhere but to a registered redirect URI.
pub fn authorization_request(bytes: &[u8]) {
    let Ok(form) = Form::parse(bytes) else { return };
    let registration = registration();
    if let Ok(request) = AuthorizationRequest::judge(&form, &AuthorizationClient::of(&registration)) {
        assert_eq!(request.target.redirect_uri(), registration.redirect_uris[0]);
        assert!(request.code_challenge.is_some(), "a public client without PKCE");
        let _ = AuthenticationRequest::judge(&form, &request.target);
    }
    let _ = LogoutRequest::read(&form);
}

/// Client authentication and the token request.
pub fn token_request(bytes: &[u8]) {
    let Ok(form) = Form::parse(bytes) else { return };
    let header = form.parameters().first().map(|parameter| parameter.value.clone());
    for authorization in [None, header.as_deref()] {
        if let Ok(credentials) = ClientCredentials::read(&form, authorization) {
            let _ = credentials.judge(&registration(), &[BASE_URL], NOW, &NothingIsGood);
        }
    }
    let _ = TokenRequest::read(&form, &registration());
}

/// What an operator hands in to register a client.
pub fn client_registration(bytes: &[u8]) {
    if let Ok(registration) = Registration::read(bytes) {
        let written = serde_json::to_vec(&registration).expect("JSON");
        assert_eq!(Registration::read(&written), Ok(registration));
    }
}

pub(super) fn registration() -> Registration {
    let read: Result<Registration, Refusal> = Registration::read(
        br#"{"client_id":"public-client","redirect_uris":["https://public.example.com/callback"],
            "token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"]}"#,
    );
    read.expect("a registration")
}

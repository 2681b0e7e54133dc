//! What of a registration decides on authorization requests: all that the edge gets to know of a
//! client, and what the LAN judges by as well.

use crate::registration::{AuthenticationMethod, MAX_CLIENT_ID, Registration};
use postern_jose::Scopes;
use postern_refusal::Refusal;
use serde::{Deserialize, Serialize};

/// Most redirect URIs of a client.
const MAX_REDIRECT_URIS: usize = 64;

/// A client at the authorization endpoint. There is no secret in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationClient {
    /// The client's identifier.
    pub client_id: String,
    /// Where codes may be sent, letter by letter. Empty: nowhere, it gets no codes.
    pub redirect_uris: Vec<String>,
    /// Scopes that it may ask for, divided by spaces.
    #[serde(default)]
    pub scope: String,
    /// Whether PKCE is required: always of public clients.
    pub require_pkce: bool,
    /// Whether `state` is required.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub require_state: bool,
    /// Whether `nonce` is required.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub require_nonce: bool,
}

impl AuthorizationClient {
    /// What the registration says.
    pub fn of(registration: &Registration) -> Self {
        let public = registration.token_endpoint_auth_method == AuthenticationMethod::None;
        Self {
            client_id: registration.client_id.clone(),
            redirect_uris: registration.redirect_uris.clone(),
            scope: registration.scope.clone(),
            require_pkce: public || registration.require_pkce,
            require_state: registration.require_state,
            require_nonce: registration.require_nonce,
        }
    }

    /// Checks what an operator writes. The redirect URIs of another identity provider may have
    /// forms that ours must not have.
    ///
    /// # Errors
    /// `oauth.registration.invalid`, naming the field.
    pub fn check(&self) -> Result<(), Refusal> {
        let demand = |field: &str, expected: &str, holds: bool| {
            let refusal = Refusal::configuration("oauth.registration.invalid").at(field).expected(expected);
            if holds { Ok(()) } else { Err(refusal.found(&self.client_id)) }
        };
        let visible = |text: &str, most: usize| {
            (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        demand("client_id", "1 to 256 printable characters", visible(&self.client_id, MAX_CLIENT_ID))?;
        let uris = self.redirect_uris.len() <= MAX_REDIRECT_URIS
            && self.redirect_uris.iter().all(|uri| visible(uri, 2_048) && !uri.contains('#'));
        demand("redirect_uris", "64 URIs at most, without fragment", uris)?;
        let scopes = self.scope.is_empty() || Scopes::read(&self.scope).is_ok();
        demand("scope", "scope tokens, each once", scopes)
    }

    /// Whether all of the scopes are registered.
    ///
    /// # Errors
    /// `oauth.scope.not-registered`.
    pub(crate) fn check_scopes(&self, scopes: &Scopes) -> Result<(), Refusal> {
        let own: Vec<&str> = self.scope.split(' ').collect();
        match scopes.tokens().iter().find(|scope| !own.contains(&scope.as_str())) {
            None => Ok(()),
            Some(beyond) => Err(Refusal::misbehaved("oauth.scope.not-registered")
                .at("scope")
                .expected(&self.scope)
                .found(beyond)),
        }
    }
}

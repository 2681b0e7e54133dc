//! Token requests (RFC 6749 sections 4.1.3, 4.4.2 and 6).

use crate::one_time_value::{OneTimeKind, OneTimeValue};
use crate::parameter::{optional, required};
use crate::redirect_uri::MAX_REDIRECT_URI;
use crate::registration::{GrantType, Registration};
use crate::secret::Secret;
use crate::token_error::{TokenError, TokenErrorCode};
use postern_form::Form;
use postern_jose::Scopes;
use postern_refusal::Refusal;

/// Longest code, refresh token or access token that is looked at, in bytes.
const MAX_VALUE: usize = 4_096;

/// A request of an authenticated client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// What it wants.
    pub grant: GrantRequest,
}

/// What a token request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantRequest {
    /// Section 4.1.3.
    AuthorizationCode {
        /// To be taken.
        code: OneTimeValue,
        /// Has to be that of the authorization request.
        redirect_uri: String,
        /// For [`crate::check_code_verifier`].
        code_verifier: Option<Secret>,
    },
    /// Section 6.
    RefreshToken {
        /// To be taken.
        refresh_token: OneTimeValue,
        /// A part of what was granted; none means all of it.
        scopes: Option<Scopes>,
    },
    /// Section 4.4.
    ClientCredentials {
        /// None means all that is registered and needs no person.
        scopes: Scopes,
    },
}

impl TokenRequest {
    /// Reads the form of an authenticated client.
    ///
    /// # Errors
    /// `oauth.parameter.…`, `form.duplicate`, `oauth.resource.not-supported` (`invalid_request`);
    /// `oauth.grant-type.unsupported`; `oauth.grant-type.not-registered` (`unauthorized_client`);
    /// `oauth.scope.…` (`invalid_scope`); `oauth.code.unknown` and `oauth.refresh-token.unknown`
    /// (`invalid_grant`) for texts that can't be ours.
    pub fn read(form: &Form<'_>, registration: &Registration) -> Result<Self, TokenError> {
        for parameter in form.parameters() {
            form.single(parameter.name).map_err(TokenError::request)?;
        }
        if form.single("resource").map_err(TokenError::request)?.is_some() {
            let refusal = Refusal::incompatible("oauth.resource.not-supported").at("resource");
            return Err(TokenError::request(refusal.expected("the registered audience")));
        }
        let grant_type = required(form, "grant_type", 256).map_err(TokenError::request)?;
        let grant = match grant_type {
            "authorization_code" => {
                check_registered(registration, GrantType::AuthorizationCode)?;
                read_code(form)?
            }
            "refresh_token" => {
                check_registered(registration, GrantType::RefreshToken)?;
                read_refresh_token(form)?
            }
            "client_credentials" => {
                check_registered(registration, GrantType::ClientCredentials)?;
                read_client_credentials(form, registration)?
            }
            other => {
                return Err(TokenError::other(
                    TokenErrorCode::UnsupportedGrantType,
                    Refusal::incompatible("oauth.grant-type.unsupported")
                        .at("grant_type")
                        .expected("authorization_code, refresh_token or client_credentials")
                        .found(other),
                ));
            }
        };
        Ok(Self { grant })
    }
}

fn check_registered(registration: &Registration, grant_type: GrantType) -> Result<(), TokenError> {
    if registration.grant_types.contains(&grant_type) {
        return Ok(());
    }
    Err(TokenError::other(
        TokenErrorCode::UnauthorizedClient,
        Refusal::misbehaved("oauth.grant-type.not-registered").at("grant_type").expected("a registered one"),
    ))
}

fn read_code(form: &Form<'_>) -> Result<GrantRequest, TokenError> {
    let code = required(form, "code", MAX_VALUE).map_err(TokenError::request)?;
    let redirect_uri = required(form, "redirect_uri", MAX_REDIRECT_URI).map_err(TokenError::request)?;
    let code_verifier = optional(form, "code_verifier", 256).map_err(TokenError::request)?;
    let code = OneTimeValue::presented(OneTimeKind::AuthorizationCode, code)
        .ok_or_else(|| TokenError::grant(Refusal::misbehaved("oauth.code.unknown").at("code")))?;
    Ok(GrantRequest::AuthorizationCode {
        code,
        redirect_uri: redirect_uri.to_owned(),
        code_verifier: code_verifier.map(|verifier| Secret::new(verifier.to_owned())),
    })
}

fn read_refresh_token(form: &Form<'_>) -> Result<GrantRequest, TokenError> {
    let token = required(form, "refresh_token", MAX_VALUE).map_err(TokenError::request)?;
    let scopes = read_scopes(form)?;
    let refresh_token = OneTimeValue::presented(OneTimeKind::RefreshToken, token).ok_or_else(|| {
        TokenError::grant(Refusal::misbehaved("oauth.refresh-token.unknown").at("refresh_token"))
    })?;
    Ok(GrantRequest::RefreshToken { refresh_token, scopes })
}

/// Scopes of a person make no sense without one.
fn read_client_credentials(form: &Form<'_>, registration: &Registration) -> Result<GrantRequest, TokenError> {
    let invalid = |refusal| TokenError::other(TokenErrorCode::InvalidScope, refusal);
    const OF_A_PERSON: [&str; 4] = ["openid", "profile", "email", "offline_access"];
    let scopes = match read_scopes(form)? {
        Some(scopes) => scopes,
        None => {
            let registered = registration.scopes().map_err(invalid)?;
            let own: Vec<&str> = registered
                .tokens()
                .iter()
                .map(String::as_str)
                .filter(|scope| !OF_A_PERSON.contains(scope))
                .collect();
            if own.is_empty() { Scopes::default() } else { Scopes::read(&own.join(" ")).map_err(invalid)? }
        }
    };
    registration.check_scopes(&scopes).map_err(invalid)?;
    if let Some(scope) = OF_A_PERSON.into_iter().find(|scope| scopes.contains(scope)) {
        return Err(invalid(
            Refusal::misbehaved("oauth.scope.needs-person")
                .at("scope")
                .expected("scopes that need no person")
                .found(scope),
        ));
    }
    Ok(GrantRequest::ClientCredentials { scopes })
}

fn read_scopes(form: &Form<'_>) -> Result<Option<Scopes>, TokenError> {
    optional(form, "scope", 2_048)
        .map_err(TokenError::request)?
        .map(Scopes::read)
        .transpose()
        .map_err(|refusal| TokenError::other(TokenErrorCode::InvalidScope, refusal))
}

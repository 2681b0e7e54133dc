//! The rule for authorization requests (RFC 6749 section 4.1.1, RFC 9700, OpenID Connect Core
//! section 3.1.2.1 as far as it is OAuth).

use crate::authorization_client::AuthorizationClient;
use crate::authorization_error::{AuthorizationError, AuthorizationErrorCode};
use crate::authorization_response::{ResponseMode, ResponseTarget};
use crate::parameter::{optional, required};
use crate::pkce::CodeChallenge;
use crate::redirect_uri::MAX_REDIRECT_URI;
use crate::registration::MAX_CLIENT_ID;
use postern_form::Form;
use postern_jose::Scopes;
use postern_refusal::Refusal;

/// Longest `state` and `nonce`, in bytes.
const MAX_STATE: usize = 1_024;

/// Parameters that carry a request in another way (OpenID Connect Core sections 6 and 7.2.1), or
/// ask for another kind of token (RFC 8707): refused with the error that says so.
const NOT_SUPPORTED: [(&str, &str, AuthorizationErrorCode); 4] = [
    ("request", "oauth.request.not-supported", AuthorizationErrorCode::RequestNotSupported),
    ("request_uri", "oauth.request-uri.not-supported", AuthorizationErrorCode::RequestUriNotSupported),
    ("registration", "oauth.registration.not-supported", AuthorizationErrorCode::RegistrationNotSupported),
    ("resource", "oauth.resource.not-supported", AuthorizationErrorCode::InvalidTarget),
];

/// A request that may be answered with a code once somebody is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// Where code or error go.
    pub target: ResponseTarget,
    /// What is asked for; every token is registered for the client.
    pub scopes: Scopes,
    /// Bound into the ID token.
    pub nonce: Option<String>,
    /// S256.
    pub code_challenge: Option<CodeChallenge>,
}

/// The client that a request names. Everything else is judged against its registration.
///
/// # Errors
/// `oauth.parameter.missing`, `oauth.parameter.too-long`, `form.duplicate`. For a page.
pub fn client_id<'a>(form: &'a Form<'_>) -> Result<&'a str, Refusal> {
    required(form, "client_id", MAX_CLIENT_ID)
}

/// The refusal of a client that nobody registered. For a page.
pub fn unknown_client(client_id: &str) -> Refusal {
    Refusal::misbehaved("oauth.client.unknown")
        .at("client_id")
        .expected("a registered client")
        .found(client_id)
}

impl AuthorizationRequest {
    /// Judges a request of the registered client.
    ///
    /// # Errors
    /// [`AuthorizationError::Page`] until the redirect URI is known to be the client's:
    /// `oauth.redirect-uri.mismatch`, `oauth.parameter.…`, `form.duplicate`. After that
    /// [`AuthorizationError::Redirect`]: `oauth.parameter.…`, `form.duplicate`,
    /// `oauth.response-type.unsupported`, `oauth.response-mode.unsupported`,
    /// `oauth.state.required`, `oauth.nonce.required`, `oauth.scope.…`, `oauth.pkce.…`,
    /// `oauth.…not-supported`. A client without the grant type has no redirect URI.
    pub fn judge(form: &Form<'_>, client: &AuthorizationClient) -> Result<Self, AuthorizationError> {
        let mut target = find_target(form, client).map_err(AuthorizationError::Page)?;
        target.response_mode = match response_mode(form) {
            Ok(mode) => mode,
            Err(refusal) => {
                return Err(AuthorizationError::to_client(
                    target,
                    AuthorizationErrorCode::InvalidRequest,
                    refusal,
                ));
            }
        };
        match read(form, client, target.state.is_some()) {
            Ok((scopes, nonce, code_challenge)) => Ok(Self { target, scopes, nonce, code_challenge }),
            Err((error, refusal)) => Err(AuthorizationError::to_client(target, error, refusal)),
        }
    }
}

type Coded = (AuthorizationErrorCode, Refusal);

fn invalid(refusal: Refusal) -> Coded {
    (AuthorizationErrorCode::InvalidRequest, refusal)
}

fn find_target(form: &Form<'_>, client: &AuthorizationClient) -> Result<ResponseTarget, Refusal> {
    let redirect_uri = required(form, "redirect_uri", MAX_REDIRECT_URI)?;
    if !client.redirect_uris.iter().any(|registered| registered == redirect_uri) {
        return Err(Refusal::misbehaved("oauth.redirect-uri.mismatch")
            .at("redirect_uri")
            .expected("a registered redirect URI, letter by letter")
            .found(redirect_uri));
    }
    let state = optional(form, "state", MAX_STATE)?.map(str::to_owned);
    Ok(ResponseTarget { redirect_uri: redirect_uri.to_owned(), response_mode: ResponseMode::Query, state })
}

fn response_mode(form: &Form<'_>) -> Result<ResponseMode, Refusal> {
    match optional(form, "response_mode", 64)? {
        None | Some("query") => Ok(ResponseMode::Query),
        Some("form_post") => Ok(ResponseMode::FormPost),
        Some(other) => Err(Refusal::incompatible("oauth.response-mode.unsupported")
            .at("response_mode")
            .expected("query or form_post")
            .found(other)),
    }
}

type Parts = (Scopes, Option<String>, Option<CodeChallenge>);

fn read(form: &Form<'_>, client: &AuthorizationClient, has_state: bool) -> Result<Parts, Coded> {
    for parameter in form.parameters() {
        form.single(parameter.name).map_err(invalid)?;
    }
    for (name, code, error) in NOT_SUPPORTED {
        if form.single(name).map_err(invalid)?.is_some() {
            return Err((error, Refusal::incompatible(code).at(name).expected("plain parameters")));
        }
    }
    check_response_type(form)?;
    if client.require_state && !has_state {
        let refusal = Refusal::misbehaved("oauth.state.required").at("state");
        return Err(invalid(refusal.expected("a state for this client")));
    }
    let scopes = read_scopes(form, client)?;
    let nonce = optional(form, "nonce", MAX_STATE).map_err(invalid)?.map(str::to_owned);
    if client.require_nonce && nonce.is_none() {
        let refusal = Refusal::misbehaved("oauth.nonce.required").at("nonce");
        return Err(invalid(refusal.expected("a nonce for this client")));
    }
    let challenge = optional(form, "code_challenge", 256).map_err(invalid)?;
    let method = optional(form, "code_challenge_method", 64).map_err(invalid)?;
    let code_challenge = CodeChallenge::read(challenge, method).map_err(invalid)?;
    if code_challenge.is_none() && client.require_pkce {
        return Err(invalid(
            Refusal::misbehaved("oauth.pkce.required")
                .at("code_challenge")
                .expected("PKCE with S256 for this client"),
        ));
    }
    Ok((scopes, nonce, code_challenge))
}

fn check_response_type(form: &Form<'_>) -> Result<(), Coded> {
    match required(form, "response_type", 64).map_err(invalid)? {
        "code" => Ok(()),
        other => Err((
            AuthorizationErrorCode::UnsupportedResponseType,
            Refusal::incompatible("oauth.response-type.unsupported")
                .at("response_type")
                .expected("code")
                .found(other),
        )),
    }
}

fn read_scopes(form: &Form<'_>, client: &AuthorizationClient) -> Result<Scopes, Coded> {
    let coded = |refusal| (AuthorizationErrorCode::InvalidScope, refusal);
    let scopes = optional(form, "scope", 2_048)
        .map_err(invalid)?
        .map_or(Ok(Scopes::default()), Scopes::read)
        .map_err(coded)?;
    client.check_scopes(&scopes).map_err(coded)?;
    Ok(scopes)
}

//! `/oauth2/authorize`: from the request to the kernel's sign-on, and back with a code.

use super::parameters;
use crate::bindings::kernel;
use crate::bindings::protocol::{Authentication, Demand, Failure, Outcome, Response, SignOn};
use crate::bindings::types::Request;
use crate::client::Client;
use crate::issue::{one_time_value, unwritable};
use crate::keys::{KernelVerifier, own_keys};
use crate::reply;
use crate::settings::Settings;
use postern_form::Form;
use postern_oauth::{
    AuthorizationClient, AuthorizationError, AuthorizationErrorCode, AuthorizationRequest, GrantType,
    OneTimeKind, client_id, unknown_client,
};
use postern_oidc::{
    AuthenticationRequest, CodeData, GrantData, PendingAuthorization, SIGNING_ALGORITHMS, invalid_request,
    judge_id_token_hint,
};
use postern_refusal::Refusal;

pub(crate) fn handle(request: &Request) -> Outcome {
    let issuer = kernel::base_url();
    let read = parameters::read(request).and_then(|form| find_client(&form).map(|client| (form, client)));
    let (form, client) = match read {
        Ok(read) => read,
        Err(refusal) => return Outcome::Respond(reply::refused(&refusal)),
    };
    match judge(&form, &client, &issuer) {
        Ok(demand) => Outcome::Authenticate(demand),
        Err(error) => Outcome::Respond(reply::authorization_error(&error, &issuer, &client.id)),
    }
}

fn find_client(form: &Form<'_>) -> Result<Client, Refusal> {
    let client_id = client_id(form)?;
    Client::find(client_id)?.ok_or_else(|| unknown_client(client_id))
}

fn judge(form: &Form<'_>, client: &Client, issuer: &str) -> Result<Demand, AuthorizationError> {
    let authorization = AuthorizationRequest::judge(form, &AuthorizationClient::of(&client.registration))?;
    let authentication = AuthenticationRequest::judge(form, &authorization.target)?;
    let hinted_subject = authentication
        .id_token_hint
        .as_deref()
        .map(|hint| hinted_subject(hint, issuer, client))
        .transpose()
        .map_err(|refusal| invalid_request(&authorization.target, refusal))?;

    let prompt = authentication.prompt;
    let asks = client.registration.require_consent || prompt.consent;
    let consent = if asks { authorization.scopes.tokens().to_vec() } else { Vec::new() };
    let pending = PendingAuthorization {
        relying_party: client.id.clone(),
        target: authorization.target,
        scope: authorization.scopes.to_string(),
        nonce: authorization.nonce,
        code_challenge: authorization.code_challenge,
        hinted_subject,
    };
    Ok(Demand {
        relying_party: client.id.clone(),
        // OpenID Connect Core section 15.1: `max_age=0` means the same as `prompt=login`.
        force: prompt.login || authentication.max_age == Some(0),
        passive: prompt.none,
        select_account: prompt.select_account,
        max_age: authentication.max_age,
        contexts: authentication.contexts,
        login_hint: authentication.login_hint,
        consent,
        consent_anew: prompt.consent,
        state: pending.to_bytes().ok_or_else(|| AuthorizationError::Page(unwritable()))?,
    })
}

fn hinted_subject(hint: &str, issuer: &str, client: &Client) -> Result<String, Refusal> {
    let hint =
        judge_id_token_hint(hint, issuer, &SIGNING_ALGORITHMS, &own_keys()?, &KernelVerifier)?.into_inner();
    hint.check_client(client.client_id())?;
    Ok(hint.subject)
}

pub(crate) fn resume(state: &[u8], result: SignOn) -> Response {
    let issuer = kernel::base_url();
    let Some(pending) = PendingAuthorization::from_bytes(state) else {
        return reply::refused(&Refusal::internal("oidc.state.unreadable"));
    };
    let code = client_still_registered(&pending)
        .map_err(AuthorizationError::Page)
        .and_then(|client| give_code(&pending, &client, result));
    match code {
        Ok(code) => reply::authorization(
            pending.target.answer(&issuer, &[("code", &code)]),
            None,
            &pending.relying_party,
        ),
        Err(error) => reply::authorization_error(&error, &issuer, &pending.relying_party),
    }
}

/// The registration may have changed while the person was signing in.
fn client_still_registered(pending: &PendingAuthorization) -> Result<Client, Refusal> {
    let gone = || {
        Refusal::configuration("oidc.client.gone")
            .with_status(400)
            .at("client_id")
            .expected("the client with this redirect URI")
    };
    let client = Client::by_id(&pending.relying_party)?.ok_or_else(gone)?;
    let uri = pending.target.redirect_uri();
    let registered = client.registration.redirect_uris.iter().any(|registered| registered == uri);
    registered.then_some(client).ok_or_else(gone)
}

fn give_code(
    pending: &PendingAuthorization,
    client: &Client,
    result: SignOn,
) -> Result<String, AuthorizationError> {
    let to_client = |error, refusal| AuthorizationError::to_client(pending.target.clone(), error, refusal);
    let authentication = match result {
        SignOn::Authenticated(authentication) => authentication,
        SignOn::Failed(failure) => {
            let (error, code) = failed(failure);
            return Err(to_client(error, Refusal::misbehaved(code).at("prompt")));
        }
    };
    let expected = pending.hinted_subject.as_deref();
    if expected.is_some_and(|expected| expected != client.subject(&authentication.subject)) {
        let refusal = Refusal::misbehaved("oidc.id-token-hint.other-person").at("id_token_hint");
        return Err(to_client(AuthorizationErrorCode::LoginRequired, refusal));
    }
    keep_code(pending, client, &authentication)
        .map_err(|refusal| to_client(AuthorizationErrorCode::ServerError, refusal))
}

fn failed(failure: Failure) -> (AuthorizationErrorCode, &'static str) {
    match failure {
        Failure::LoginRequired => (AuthorizationErrorCode::LoginRequired, "oidc.sign-on.login-required"),
        Failure::InteractionRequired => {
            (AuthorizationErrorCode::InteractionRequired, "oidc.sign-on.interaction-required")
        }
        Failure::ConsentRequired => {
            (AuthorizationErrorCode::ConsentRequired, "oidc.sign-on.consent-required")
        }
        Failure::ContextUnavailable => {
            (AuthorizationErrorCode::UnmetAuthenticationRequirements, "oidc.sign-on.context-unavailable")
        }
        Failure::Denied => (AuthorizationErrorCode::AccessDenied, "oidc.sign-on.denied"),
    }
}

fn keep_code(
    pending: &PendingAuthorization,
    client: &Client,
    authentication: &Authentication,
) -> Result<String, Refusal> {
    let (now, settings) = (kernel::now(), Settings::read()?);
    let registration = &client.registration;
    // `offline_access` outlives the session; everything else ends with it.
    let offline = pending.scope.split(' ').any(|scope| scope == "offline_access")
        && registration.grant_types.contains(&GrantType::RefreshToken);
    let (session, until) = if offline {
        (None, now.saturating_add(registration.refresh_token_lifetime))
    } else {
        (Some(authentication.session.as_str()), authentication.expires_at)
    };
    let data = GrantData {
        scope: pending.scope.clone(),
        authenticated_at: authentication.authenticated_at,
        context: authentication.context.clone(),
        methods: authentication.methods.clone(),
        session_index: authentication.session_index.clone(),
        until,
    };
    let data = data.to_text().ok_or_else(unwritable)?;
    let grant = kernel::create_grant(&client.id, &authentication.subject, session, &data, until);
    let code = one_time_value(OneTimeKind::AuthorizationCode)?;
    let kept = CodeData {
        grant: grant.clone(),
        redirect_uri: pending.target.redirect_uri().to_owned(),
        nonce: pending.nonce.clone(),
        code_challenge: pending.code_challenge.clone(),
    };
    let kept = kept.to_bytes().ok_or_else(unwritable)?;
    kernel::put(&code.storage_key(), &kept, Some(&grant), now.saturating_add(settings.code_lifetime));
    Ok(code.expose().to_owned())
}

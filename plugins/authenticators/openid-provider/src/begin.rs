//! Somebody is sent to the provider.

use postern_jose::base64url_encode;
use postern_oidc::relying_party::{AuthorizationUrl, PendingSignIn};

use crate::bindings::exports::postern::idp::authenticator::{Context, Redirection, Step};
use crate::bindings::postern::idp::system;
use crate::calls;
use crate::problem::Problem;
use crate::settings::Settings;

/// Bytes of a nonce and of a code verifier: 43 characters (RFC 7636 section 4.1).
const RANDOM: u32 = 32;

pub(crate) fn begin(context: &Context, settings: &Settings) -> Result<Step, Problem> {
    if context.redirect_uri.is_empty() {
        return Err(Problem::new("the operator lets it send nobody anywhere: redirects is missing"));
    }
    let provider = calls::metadata(settings)?;
    let pending = PendingSignIn {
        state: context.redirect_state.clone(),
        nonce: base64url_encode(&system::random(RANDOM)),
        code_verifier: base64url_encode(&system::random(RANDOM)),
    };
    let scopes = settings.all_scopes();
    let asked = AuthorizationUrl {
        client_id: &settings.client_id,
        redirect_uri: &context.redirect_uri,
        scopes: &scopes,
        prompt: settings.prompt.as_deref(),
        max_age: settings.max_age,
        login_hint: context.login_hint.as_deref(),
        acr_values: settings.acr_values.as_deref(),
        ui_locales: Some(&context.language),
    };
    Ok(Step::Redirect(Redirection { url: asked.write(&provider, &pending), state: pending.to_bytes() }))
}

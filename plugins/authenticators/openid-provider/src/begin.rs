//! Somebody is sent to the provider.

use postern_jose::base64url_encode;
use postern_oidc::relying_party::{AuthorizationUrl, PendingSignIn};

use crate::bindings::exports::postern::idp::authenticator::{Context, Redirection, Step};
use crate::bindings::postern::idp::demands::{self, Demand};
use crate::bindings::postern::idp::system;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::{MFA_CONTEXT, calls};

/// Bytes of a nonce and of a code verifier: 43 characters (RFC 7636 section 4.1).
const RANDOM: u32 = 32;

pub(crate) fn begin(context: &Context, settings: &Settings) -> Result<Step, Problem> {
    if context.redirect_uri.is_empty() {
        return Err(Problem::new("the operator lets it send nobody anywhere: redirects is missing"));
    }
    let provider = calls::metadata(settings)?;
    let demand = demands::current();
    let recency = Recency::of(settings, &demand);
    let pending = PendingSignIn {
        state: context.redirect_state.clone(),
        nonce: base64url_encode(&system::random(RANDOM)),
        code_verifier: base64url_encode(&system::random(RANDOM)),
        authenticated_since: recency.since(system::now()),
        max_age: recency.max_age,
    };
    let scopes = settings.all_scopes();
    let acr_values = acr_values(settings, &demand);
    let asked = AuthorizationUrl {
        client_id: &settings.client_id,
        redirect_uri: &context.redirect_uri,
        scopes: &scopes,
        prompt: recency.prompt(settings),
        max_age: recency.asked,
        login_hint: context.login_hint.as_deref(),
        acr_values: acr_values.as_deref(),
        ui_locales: Some(&context.language),
    };
    Ok(Step::Redirect(Redirection { url: asked.write(&provider, &pending), state: pending.to_bytes() }))
}

/// How recent the person's sign-in there has to be: by the operator's settings, and by what this sign-in is for.
struct Recency {
    is_fresh: bool,
    /// Sent along, so that the ID token says when it was (OpenID Connect Core section 2, `auth_time`).
    asked: Option<u64>,
    /// Seconds that it may be old when the person is back. None: it does not matter, or it must not be older than
    /// the request.
    max_age: Option<u64>,
}

impl Recency {
    fn of(settings: &Settings, demand: &Demand) -> Self {
        let ages = [settings.max_age, demand.max_age, demand.fresh.then_some(0)];
        let asked = ages.into_iter().flatten().min();
        let max_age = ages.into_iter().flatten().filter(|age| *age > 0).min();
        Self { is_fresh: demand.fresh, asked, max_age }
    }

    fn prompt<'s>(&self, settings: &'s Settings) -> Option<&'s str> {
        match settings.prompt.as_deref() {
            None if self.is_fresh => Some("login"),
            Some("consent") if self.is_fresh => Some("login consent"),
            Some("select_account") if self.is_fresh => Some("login select_account"),
            own => own,
        }
    }

    /// When the person has to have signed in there at the earliest, who is sent `now` for a sign-in of no age at all.
    fn since(&self, now: u64) -> Option<u64> {
        self.asked.filter(|age| *age == 0).map(|_| now)
    }
}

/// The operator's, or those that stand for several factors where these are asked for.
fn acr_values(settings: &Settings, demand: &Demand) -> Option<String> {
    let wants_mfa = demand.contexts.iter().any(|context| context == MFA_CONTEXT);
    let theirs = Some(settings.mfa_contexts.join(" ")).filter(|values| wants_mfa && !values.is_empty());
    settings.acr_values.clone().or(theirs)
}

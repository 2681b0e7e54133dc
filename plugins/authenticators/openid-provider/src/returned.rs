//! Somebody is back from the provider.

use postern_jose::Claims;
use postern_oidc::relying_party::{
    Callback, ClaimSource, IdTokenRule, MappedClaims, PendingSignIn, ProviderIdentity, ProviderMetadata,
    TokenAnswer, judge_provider_token,
};

use crate::bindings::exports::postern::idp::authenticator::{
    Claim, ClaimSet, Context, Denial, Identity, Step, Who,
};
use crate::bindings::postern::idp::system;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::verifier::Kernel;
use crate::{CONTEXT, METHODS, MFA, MFA_CONTEXT, calls, texts};

/// Refusals that the provider's present keys may change.
const OTHER_KEYS: [&str; 2] = ["jose.kid.unknown", "jose.kid.missing"];

pub(crate) fn returned(
    context: &Context,
    settings: &Settings,
    state: &[u8],
    query: &str,
) -> Result<Step, Problem> {
    let pending = PendingSignIn::read(state)?;
    let provider = calls::metadata(settings)?;
    let code = match Callback::judge(query, &pending, &provider)? {
        Callback::Code(code) => code,
        Callback::Error(error) if error == "access_denied" => return Ok(denied()),
        Callback::Error(error) => return Err(Problem::new(&format!("the provider says {error}"))),
    };
    let tokens = calls::tokens(settings, &provider, &context.redirect_uri, &code, &pending)?;
    let identity = identity(settings, &provider, &pending, &tokens)?;
    let userinfo = match &provider.userinfo_endpoint {
        Some(endpoint) if settings.userinfo => {
            Some(calls::userinfo(endpoint, &tokens.access_token, &identity.subject)?)
        }
        _ => None,
    };
    let source = ClaimSource { id_token: &identity.claims, userinfo: userinfo.as_ref() };
    let mapping = settings.claims.iter().map(|(ours, theirs)| (ours.as_str(), theirs.as_str()));
    let mapped = MappedClaims::of(mapping, source, settings.trust_unverified);
    Ok(authenticated(settings, &identity, mapped))
}

/// Judges the ID token. A key that is not there may be new, and of several that a token without `kid` could mean all
/// but one may be gone: the provider's keys are asked for once more, and once only.
fn identity(
    settings: &Settings,
    provider: &ProviderMetadata,
    pending: &PendingSignIn,
    tokens: &TokenAnswer,
) -> Result<ProviderIdentity, Problem> {
    let algorithms = settings.algorithms();
    let rule = IdTokenRule {
        issuer: &provider.issuer,
        client_id: &settings.client_id,
        nonce: &pending.nonce,
        access_token: &tokens.access_token,
        authenticated_since: pending.authenticated_since,
        max_age: pending.max_age,
        may_lack_time: settings.auth_time_may_lack,
        algorithms: &algorithms,
        now: system::now(),
        clock_skew: settings.clock_skew,
    };
    let judge = |keys| judge_provider_token(&tokens.id_token, &rule, &keys, &Kernel);
    let judged = match judge(calls::keys(provider, true)?) {
        Err(refusal) if OTHER_KEYS.contains(&refusal.code) => judge(calls::keys(provider, false)?),
        judged => judged,
    };
    Ok(judged?.into_inner())
}

fn authenticated(settings: &Settings, identity: &ProviderIdentity, mapped: MappedClaims) -> Step {
    let is_mfa = identity.context.as_ref().is_some_and(|context| settings.mfa_contexts.contains(context));
    // Several factors are a step of the operator's: its word counts (`mfa_contexts`), not the provider's alone.
    let is_said = |method: &&str| identity.methods.iter().any(|said| said == method);
    let methods = METHODS.into_iter().filter(|method| if *method == MFA { is_mfa } else { is_said(method) });
    let claims = mapped.0.into_iter().map(|(name, values)| Claim { name, values }).collect();
    Step::Authenticated(Identity {
        who: Who::Claims(ClaimSet {
            issuer: issuer(&identity.claims),
            subject: identity.subject.clone(),
            claims,
        }),
        methods: methods.map(Into::into).collect(),
        context: if is_mfa { MFA_CONTEXT } else { CONTEXT }.into(),
        remember: None,
    })
}

/// The one that was judged to be the provider's.
fn issuer(claims: &Claims) -> String {
    claims.string("iss").ok().flatten().unwrap_or_default().into()
}

/// The person has refused there.
fn denied() -> Step {
    Step::Denied(Denial { text: texts::text("openid-provider.denied"), reason: "access_denied".into() })
}

//! Back from the identity provider.

use postern_refusal::Refusal;
use postern_saml::{ExpectedSignOn, Policy, SignOnAnswer, judge_sign_on};

use crate::asked::Asked;
use crate::bindings::exports::postern::idp::authenticator::{Context, Denial, Step};
use crate::bindings::postern::idp::redirections::{self, Carrier};
use crate::bindings::postern::idp::system;
use crate::claims::identity;
use crate::kernel::Kernel;
use crate::settings::Settings;
use crate::{refused, texts, unavailable};

/// Second status codes that say that the person may not, or does not want to (SAML core section 3.2.2.2).
const REFUSED: [&str; 3] = ["AuthnFailed", "RequestDenied", "UnknownPrincipal"];

pub(crate) fn judge(context: &Context, settings: &Settings, state: &[u8], form: &str) -> Step {
    if redirections::came_back_by() != Some(Carrier::Form) {
        // SAML profiles section 4.1.2: a Response does not come by HTTP-Redirect.
        let refusal = Refusal::misbehaved("saml-provider.response.query").expected("a Response by HTTP-POST");
        return refused(&refusal);
    }
    let Some(asked) = Asked::read(state) else {
        return Step::Unavailable("its state is not its own".into());
    };
    let policy =
        Policy { clock_skew: settings.written.clock_skew, ..Policy::for_destination(&context.redirect_uri) };
    let expected = ExpectedSignOn {
        entity_id: settings.entity_id(&context.redirect_uri),
        consumer_url: &context.redirect_uri,
        provider: &settings.provider.provider,
        request_id: &asked.id,
        authenticated_since: asked.authenticated_since,
        max_age: asked.max_age,
        policy: &policy,
        now: system::now(),
        verifier: &Kernel,
        decryptor: Some(&Kernel),
    };
    match judge_sign_on(form.as_bytes(), &expected) {
        Ok(SignOnAnswer::Person(person)) => match identity(&person, settings) {
            Ok(identity) => Step::Authenticated(identity),
            Err(reason) => unavailable(&reason),
        },
        Ok(SignOnAnswer::Refused(status)) if REFUSED.contains(&status.as_str()) => Step::Denied(Denial {
            text: texts::text("saml-provider.refused"),
            reason: format!("the identity provider answered {status}"),
        }),
        Ok(SignOnAnswer::Refused(status)) => unavailable(&format!("the identity provider answered {status}")),
        Err(refusal) => refused(&refusal),
    }
}

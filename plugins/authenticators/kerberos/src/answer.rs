//! Back from the page that asks for a ticket.

use postern_form::Form;
use postern_refusal::Refusal;

use crate::bindings::exports::postern::idp::authenticator::{Claim, ClaimSet, Identity, Step, Who};
use crate::bindings::postern::idp::kerberos::{self, Principal, Verdict};
use crate::bindings::postern::idp::system;
use crate::settings::Settings;
use crate::{CONTEXT, METHOD};

/// Bytes of a name with its realm: what the kernel takes for a subject.
const MAX_SUBJECT: usize = 255;

pub(crate) fn judge(settings: &Settings, form: &str) -> Step {
    let token = match token(form) {
        Ok(Some(token)) => token,
        Ok(None) => return Step::NotEnrolled,
        Err(refusal) => return instead(&refusal.to_string()),
    };
    let ap_req = match postern_spnego::ap_req_of(&token) {
        Ok(ap_req) => ap_req,
        Err(refusal) => return instead(&refusal.to_string()),
    };
    match kerberos::accept(&ap_req) {
        Verdict::Accepted(principal) => match identity(settings, &principal) {
            Ok(identity) => Step::Authenticated(identity),
            Err(reason) => instead(reason),
        },
        // The kernel has written down why.
        Verdict::Refused(_) => Step::NotEnrolled,
        Verdict::Unavailable => Step::Unavailable("tickets can't be judged now".into()),
    }
}

/// What the browser showed; `None`: nothing.
fn token(form: &str) -> Result<Option<String>, Refusal> {
    let form = Form::parse(form.as_bytes())?.without_duplicates()?;
    let shown = form.single("negotiate")?.map(|parameter| parameter.value.clone());
    Ok(shown.filter(|token| !token.is_empty()))
}

/// People have names of one part; `host/…` and `alice/admin` are not people.
fn identity(settings: &Settings, principal: &Principal) -> Result<Identity, &'static str> {
    let Principal { name, realm } = principal;
    if !settings.has(realm) {
        return Err("kerberos.realm.not-allowed");
    }
    let subject = format!("{name}@{realm}");
    let is_good = |character: char| !character.is_control() && !"/\\@".contains(character);
    if name.is_empty() || !name.chars().all(is_good) || subject.len() > MAX_SUBJECT {
        return Err("kerberos.client.no-person");
    }
    let claim = |name: &str, value: &String| Claim { name: name.into(), values: vec![value.clone()] };
    let claims = vec![claim("preferred_username", name), claim("realm", realm)];
    let who = Who::Claims(ClaimSet { issuer: format!("krb5:{realm}"), subject, claims });
    Ok(Identity { who, methods: vec![METHOD.into()], context: CONTEXT.into(), remember: None })
}

/// Another way is taken; the log has the reason.
fn instead(reason: &str) -> Step {
    system::log(system::Level::Info, reason);
    Step::NotEnrolled
}

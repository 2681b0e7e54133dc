//! A passkey at sign-in: WebAuthn section 7.2.

use postern_authenticator::credentials::Credential;
use postern_authenticator::*;
use postern_webauthn::{
    Assertion, Authenticated, Base64Url, Expected, Record, RecordError, RequestOptions, UserVerification,
    rp_id_of,
};

use crate::begun::{Begun, TIMEOUT};
use crate::form::{self, ANSWER};
use crate::settings::Settings;
use crate::verifier::{ALGORITHMS, Kernel};
use crate::{CONTEXT, HARDWARE_KEY, PRESENCE, SEVERAL_FACTORS, SOFTWARE_KEY};

/// A passkey of somebody's.
struct Passkey {
    subject: String,
    credential: Credential,
    record: Record,
}

pub(crate) fn begin(context: &Context, settings: &Settings) -> Step {
    match passkeys(context) {
        Ok(Some(known)) if known.is_empty() => Step::NotEnrolled,
        _ => ask(context, settings, None),
    }
}

pub(crate) fn proceed(context: &Context, state: &[u8], sent: &Form, settings: &Settings) -> Step {
    let Some(begun) = Begun::read(state) else {
        return unavailable("the state is not one of this component's");
    };
    let Some(answer) = sent.only(ANSWER).filter(|answer| !answer.is_empty()) else {
        return ask(context, settings, Some("passkey.no-answer"));
    };
    if begun.is_over() {
        return ask(context, settings, Some("passkey.late"));
    }
    let refused = |refusal: &postern_refusal::Refusal| {
        crate::log(refusal);
        ask(context, settings, Some("passkey.wrong"))
    };
    let assertion = match Assertion::read(answer) {
        Ok(assertion) => assertion,
        Err(refusal) => return refused(&refusal),
    };
    let Ok(known) = passkeys(context) else { return not_ours() };
    let allowed: Vec<Vec<u8>> = known.iter().flatten().map(|one| one.record.id.clone()).collect();
    let found = match known {
        Some(known) => known.into_iter().find(|one| one.record.id == assertion.credential_id()),
        None => match find(assertion.credential_id()) {
            Ok(found) => found,
            Err(RecordError) => return not_ours(),
        },
    };
    let Some(found) = found else { return ask(context, settings, Some("passkey.unknown")) };
    let expected = Expected {
        challenge: &begun.challenge,
        origins: &[&context.base_url],
        rp_id: rp_id_of(&context.base_url),
        algorithms: &ALGORITHMS,
        user_verification: user_verification(context, settings),
    };
    match assertion.verify(&expected, &allowed, &found.record, &Kernel) {
        Ok(authenticated) => sign_in(context, settings, found, authenticated),
        Err(refusal) => refused(&refusal),
    }
}

fn sign_in(context: &Context, settings: &Settings, found: Passkey, authenticated: Authenticated) -> Step {
    let Authenticated { is_user_verified, record } = authenticated;
    let Passkey { subject, credential, record: before } = found;
    // The counter is written before anybody is let in, and by one caller only.
    if record != before
        && !credentials::replace(&subject, &credential.id, credential.version, &record.write())
    {
        return ask(context, settings, Some("passkey.wrong"));
    }
    let key = if record.is_vouched_for && !record.is_backup_eligible { HARDWARE_KEY } else { SOFTWARE_KEY };
    let mut methods = vec![key.to_owned(), PRESENCE.to_owned()];
    if is_user_verified {
        methods.push(SEVERAL_FACTORS.into());
    }
    Step::Authenticated(Identity {
        who: Who::Account(subject),
        methods,
        context: CONTEXT.into(),
        remember: None,
    })
}

/// The passkeys of who is known; `None`: nobody is.
fn passkeys(context: &Context) -> Result<Option<Vec<Passkey>>, RecordError> {
    let Some(person) = &context.person else { return Ok(None) };
    let kept = credentials::list(&person.subject).into_iter();
    kept.map(|credential| passkey(person.subject.clone(), credential)).collect::<Result<_, _>>().map(Some)
}

fn find(id: &[u8]) -> Result<Option<Passkey>, RecordError> {
    credential_index::find(id).map(|found| passkey(found.subject, found.credential)).transpose()
}

fn passkey(subject: String, credential: Credential) -> Result<Passkey, RecordError> {
    let record = Record::read(&credential.data)?;
    Ok(Passkey { subject, credential, record })
}

/// By itself it has to be two factors.
fn user_verification(context: &Context, settings: &Settings) -> UserVerification {
    match context.person {
        None => UserVerification::Required,
        Some(_) => settings.user_verification(),
    }
}

fn ask(context: &Context, settings: &Settings, error: Option<&str>) -> Step {
    let Ok(known) = passkeys(context) else { return not_ours() };
    let records: Vec<Record> = known.into_iter().flatten().map(|one| one.record).collect();
    let Some(begun) = Begun::now(Vec::new()) else { return unavailable("no randomness") };
    let options = RequestOptions {
        challenge: Base64Url(begun.challenge.to_vec()),
        timeout: TIMEOUT,
        rp_id: rp_id_of(&context.base_url).into(),
        allow_credentials: form::described(&records),
        user_verification: form::preference(user_verification(context, settings)),
    };
    let ceremony = WebAuthn { name: ANSWER.into(), options: options.write() };
    let elements = vec![told(text("passkey.ask.lead")), Element::WebAuthnGet(ceremony)];
    form::ask("passkey.ask", elements, "passkey.ask.submit", error, begun.write())
}

fn not_ours() -> Step {
    unavailable("a record is not one of this component's")
}

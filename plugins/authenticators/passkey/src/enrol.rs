//! A passkey is set up: WebAuthn section 7.1.

use postern_authenticator::credential_index::Added;
use postern_authenticator::*;
use postern_webauthn::{
    Attestation, Attested, Base64Url, COSE_ALGORITHMS, CreationOptions, CredentialType, Expected, Parameters,
    Preference, Record, RecordError, Registration, RelyingParty, Selection, Trust, User, rp_id_of,
};

use crate::begun::{Begun, TIMEOUT};
use crate::form::{self, ANSWER};
use crate::settings::Settings;
use crate::verifier::{ALGORITHMS, Kernel};

/// Bytes of a name: what the kernel keeps.
const MAX_LABEL: usize = 64;

pub(crate) fn begin(context: &Context, person: &Person, settings: &Settings) -> Step {
    ask(context, person, settings, "", None)
}

pub(crate) fn proceed(
    context: &Context,
    person: &Person,
    state: &[u8],
    sent: &Form,
    settings: &Settings,
) -> Step {
    let Some(begun) = Begun::read(state) else {
        return unavailable("the state is not one of this component's");
    };
    let label = sent.value("label");
    if label.len() > MAX_LABEL || label.chars().any(char::is_control) {
        return ask(context, person, settings, "", Some("passkey.label.wrong"));
    }
    let again = |error: &str| ask(context, person, settings, label, Some(error));
    let Some(answer) = sent.only(ANSWER).filter(|answer| !answer.is_empty()) else {
        return again("passkey.no-answer");
    };
    if begun.is_over() {
        return again("passkey.late");
    }
    let expected = Expected {
        challenge: &begun.challenge,
        origins: &[&context.base_url],
        rp_id: rp_id_of(&context.base_url),
        algorithms: &ALGORITHMS,
        user_verification: settings.user_verification(),
    };
    let trust = Trust { anchors: &settings.trust_anchors, now: system::now() };
    let registered = Registration::read(answer).and_then(|answer| answer.verify(&expected, &trust, &Kernel));
    let registered = match registered {
        Ok(registered) => registered,
        Err(refusal) => {
            crate::log(&refusal);
            let is_untrusted = refusal.code == "webauthn.attestation.untrusted";
            return again(if is_untrusted { "passkey.untrusted" } else { "passkey.wrong" });
        }
    };
    let is_vouched_for = registered.attested == Attested::Trusted;
    let record = Record::new(registered, begun.user_handle, is_vouched_for);
    // Step 22: no other person has the credential id.
    match credential_index::add(&person.subject, label, &record.write(), &record.id) {
        Added::Id(_) => Step::Enrolled,
        Added::Full => again("passkey.full"),
        Added::Taken => again("passkey.taken"),
    }
}

fn ask(context: &Context, person: &Person, settings: &Settings, label: &str, error: Option<&str>) -> Step {
    let kept = credentials::list(&person.subject);
    let records: Result<Vec<Record>, RecordError> = kept.iter().map(|one| Record::read(&one.data)).collect();
    let Ok(records) = records else {
        return unavailable("a record is not one of this component's");
    };
    let user_handle = Begun::user_handle(records.first().map(|record| record.user_handle.clone()));
    let Some(begun) = Begun::now(user_handle) else { return unavailable("no randomness") };
    let rp_id = rp_id_of(&context.base_url);
    let options = CreationOptions {
        rp: RelyingParty { id: rp_id.into(), name: rp_id.into() },
        user: User {
            id: Base64Url(begun.user_handle.clone()),
            name: person.username.clone(),
            display_name: person.username.clone(),
        },
        challenge: Base64Url(begun.challenge.to_vec()),
        pub_key_cred_params: COSE_ALGORITHMS
            .map(|(alg, _)| Parameters { kind: CredentialType::PublicKey, alg })
            .into(),
        timeout: TIMEOUT,
        exclude_credentials: form::described(&records),
        authenticator_selection: Selection {
            resident_key: Preference::Preferred,
            require_resident_key: false,
            user_verification: form::preference(settings.user_verification()),
        },
        attestation: if settings.trust_anchors.is_empty() { Attestation::None } else { Attestation::Direct },
    };
    let ceremony = WebAuthn { name: ANSWER.into(), options: options.write() };
    let elements =
        vec![told(text("passkey.enrol.lead")), form::label(label), Element::WebAuthnCreate(ceremony)];
    form::ask("passkey.enrol", elements, "passkey.enrol.submit", error, begun.write())
}

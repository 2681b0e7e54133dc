//! A code at sign-in.

use postern_otp::{Code, Record, matching_step};

use crate::bindings::exports::postern::idp::authenticator::{
    Challenge, FormField, Identity, Person, Step, Who,
};
use crate::bindings::postern::idp::{credentials, system};
use crate::{CONTEXT, METHOD, form, only, texts};

/// A proposal, in seconds: 90 days, so that the operator's word is what counts.
const REMEMBER: u32 = 90 * 24 * 3_600;

pub(crate) fn begin(person: &Person) -> Step {
    if credentials::list(&person.subject).is_empty() {
        return Step::NotEnrolled;
    }
    ask(None)
}

pub(crate) fn proceed(person: &Person, sent: &[FormField]) -> Step {
    let Some(code) = only(sent, "code").and_then(Code::read) else { return ask(Some("totp.wrong")) };
    let now = system::now();
    for credential in credentials::list(&person.subject) {
        let Ok(record) = Record::read(&credential.data) else {
            return Step::Unavailable("a record is not one of this component's".into());
        };
        let Some(step) = matching_step(&record.key, code, now, Some(record.last)) else { continue };
        let used = Record { last: step, ..record }.write();
        // False: somebody else has used the code, or another one, at this very moment.
        if !credentials::replace(&person.subject, &credential.id, credential.version, &used) {
            return ask(Some("totp.wrong"));
        }
        return Step::Authenticated(Identity {
            who: Who::Account(person.subject.clone()),
            methods: vec![METHOD.into()],
            context: CONTEXT.into(),
            remember: Some(REMEMBER),
        });
    }
    ask(Some("totp.wrong"))
}

fn ask(error: Option<&str>) -> Step {
    Step::Challenge(Challenge {
        title: texts::text("totp.ask"),
        elements: vec![form::told("totp.ask.lead"), form::code("totp.code")],
        submit: texts::text("sign-in.submit"),
        error: error.map(texts::text),
        state: Vec::new(),
    })
}

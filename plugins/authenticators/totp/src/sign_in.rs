//! A code at sign-in.

use postern_authenticator::*;
use postern_otp::{Code, Record, matching_step};

use crate::{CONTEXT, METHOD};

/// A proposal, in seconds: 90 days, so that the operator's word is what counts.
const REMEMBER: u32 = 90 * 24 * 3_600;

pub(crate) fn begin(person: &Person) -> Step {
    if credentials::list(&person.subject).is_empty() {
        return Step::NotEnrolled;
    }
    ask(None)
}

pub(crate) fn proceed(person: &Person, sent: &Form) -> Step {
    let Some(code) = sent.only("code").and_then(Code::read) else { return ask(Some("totp.wrong")) };
    let now = system::now();
    for credential in credentials::list(&person.subject) {
        let Ok(record) = Record::read(&credential.data) else {
            return unavailable("a record is not one of this component's");
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
    let elements = vec![told(text("totp.ask.lead")), one_time_code("code", "totp.code")];
    postern_authenticator::ask("totp.ask", elements, error.map(text))
}

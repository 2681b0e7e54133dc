//! A code at sign-in.

use postern_authenticator::*;
use postern_otp::{RecoveryCode, Sheet};

use crate::{CONTEXT, METHOD, foreign};

/// From this many on the person is told how many are left.
const FEW: usize = 3;
/// State of the page that tells it: a code was taken. The kernel keeps it, and nobody else can write it.
const TAKEN: &[u8] = b"taken";

pub(crate) fn begin(person: &Person) -> Step {
    for record in credentials::list(&person.subject) {
        match Sheet::read(&record.data) {
            Ok(sheet) if sheet.left() > 0 => return ask(None),
            Ok(_) => {}
            Err(_) => return foreign(),
        }
    }
    Step::NotEnrolled
}

pub(crate) fn proceed(person: &Person, state: &[u8], sent: &Form) -> Step {
    if state == TAKEN {
        return confirmed(person, METHOD, CONTEXT);
    }
    let Some(code) = sent.only("code").and_then(RecoveryCode::read) else {
        return ask(Some("recovery.wrong"));
    };
    for record in credentials::list(&person.subject) {
        let Ok(sheet) = Sheet::read(&record.data) else { return foreign() };
        let Some(rest) = sheet.without(&code) else { continue };
        // False: somebody else has used the code, or another one, at this very moment.
        if !credentials::replace(&person.subject, &record.id, record.version, &rest.write()) {
            return ask(Some("recovery.wrong"));
        }
        return if rest.left() > FEW { confirmed(person, METHOD, CONTEXT) } else { tell(rest.left()) };
    }
    ask(Some("recovery.wrong"))
}

fn ask(error: Option<&str>) -> Step {
    let code = field("code", FieldKind::Text, "recovery.ask.code", "");
    let elements = vec![told(text("recovery.ask.lead")), Element::Field(code)];
    postern_authenticator::ask("recovery.ask", elements, error.map(text))
}

/// Few are left: the person is told before they go on.
fn tell(left: usize) -> Step {
    let lead = told(text_with("recovery.few.lead", "count", &left.to_string()));
    let few = challenge("recovery.few", vec![lead], None);
    Step::Challenge(Challenge { submit: text("recovery.few.submit"), state: TAKEN.to_vec(), ..few })
}

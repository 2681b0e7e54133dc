//! New codes are made and shown once. They count when the person has said that they are kept.

use postern_authenticator::credential_index::Added;
use postern_authenticator::*;
use postern_otp::{RecoveryCode, Sheet};

use crate::foreign;

pub(crate) fn begin() -> Step {
    let length = u32::try_from(Sheet::RANDOM).unwrap_or_default();
    match Sheet::new(&system::random(length)) {
        Some((sheet, codes)) => show(&sheet, &codes),
        None => unavailable("no randomness"),
    }
}

/// The state is the sheet as it is kept: nobody but this component has seen it.
pub(crate) fn proceed(person: &Person, state: &[u8]) -> Step {
    let Ok(sheet) = Sheet::read(state) else { return foreign() };
    let old = credentials::list(&person.subject);
    // Found by what is in it: of a form that is sent twice one makes a record, or each code would be good twice.
    let sheet = sheet.write();
    match credential_index::add(&person.subject, "", &sheet, &sheet) {
        Added::Id(_) => {}
        Added::Taken => return Step::Enrolled,
        Added::Full => return unavailable("the person has too many records"),
    }
    for record in old {
        credentials::remove(&person.subject, &record.id);
    }
    Step::Enrolled
}

fn show(sheet: &Sheet, codes: &[RecoveryCode]) -> Step {
    let mut elements = vec![told(text("recovery.enrol.lead"))];
    elements.extend(codes.iter().map(|code| told(text_with("recovery.code", "code", &code.to_type()))));
    let shown = challenge("recovery.enrol", elements, None);
    Step::Challenge(Challenge { submit: text("recovery.enrol.submit"), state: sheet.write(), ..shown })
}

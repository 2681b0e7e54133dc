//! New codes are made and shown once. They count when the person has said that they are kept.

use postern_otp::{RecoveryCode, Sheet};

use crate::bindings::exports::postern::idp::authenticator::{
    Argument, Challenge, Element, Message, Person, Step, Text,
};
use crate::bindings::postern::idp::credential_index::{self, Added};
use crate::bindings::postern::idp::{credentials, system};
use crate::{foreign, texts};

pub(crate) fn begin() -> Step {
    let length = u32::try_from(Sheet::RANDOM).unwrap_or_default();
    match Sheet::new(&system::random(length)) {
        Some((sheet, codes)) => show(&sheet, &codes),
        None => Step::Unavailable("no randomness".into()),
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
        Added::Full => return Step::Unavailable("the person has too many records".into()),
    }
    for record in old {
        credentials::remove(&person.subject, &record.id);
    }
    Step::Enrolled
}

fn show(sheet: &Sheet, codes: &[RecoveryCode]) -> Step {
    let mut elements = vec![told(texts::text("recovery.enrol.lead"))];
    elements.extend(codes.iter().map(|code| {
        let argument = Argument { name: "code".into(), value: code.to_type() };
        told(Text { key: "recovery.code".into(), arguments: vec![argument] })
    }));
    Step::Challenge(Challenge {
        title: texts::text("recovery.enrol"),
        elements,
        submit: texts::text("recovery.enrol.submit"),
        error: None,
        state: sheet.write(),
    })
}

fn told(body: Text) -> Element {
    Element::Message(Message { body, link: None })
}

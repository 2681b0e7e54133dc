//! A code at sign-in.

use postern_otp::{RecoveryCode, Sheet};

use crate::bindings::exports::postern::idp::authenticator::{
    Argument, Challenge, Element, Field, FieldKind, FormField, Identity, Message, Person, Step, Text, Who,
};
use crate::bindings::postern::idp::credentials;
use crate::{CONTEXT, METHOD, foreign, texts};

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

pub(crate) fn proceed(person: &Person, state: &[u8], sent: &[FormField]) -> Step {
    if state == TAKEN {
        return authenticated(person);
    }
    let Some(code) = only(sent, "code").and_then(RecoveryCode::read) else {
        return ask(Some("recovery.wrong"));
    };
    for record in credentials::list(&person.subject) {
        let Ok(sheet) = Sheet::read(&record.data) else { return foreign() };
        let Some(rest) = sheet.without(&code) else { continue };
        // False: somebody else has used the code, or another one, at this very moment.
        if !credentials::replace(&person.subject, &record.id, record.version, &rest.write()) {
            return ask(Some("recovery.wrong"));
        }
        return if rest.left() > FEW { authenticated(person) } else { tell(rest.left()) };
    }
    ask(Some("recovery.wrong"))
}

fn authenticated(person: &Person) -> Step {
    Step::Authenticated(Identity {
        who: Who::Account(person.subject.clone()),
        methods: vec![METHOD.into()],
        context: CONTEXT.into(),
        remember: None,
    })
}

fn ask(error: Option<&str>) -> Step {
    Step::Challenge(Challenge {
        title: texts::text("recovery.ask"),
        elements: vec![
            told(texts::text("recovery.ask.lead")),
            Element::Field(Field {
                name: "code".into(),
                kind: FieldKind::Text,
                label: texts::text("recovery.ask.code"),
                value: String::new(),
                required: true,
                autocomplete: String::new(),
            }),
        ],
        submit: texts::text("sign-in.submit"),
        error: error.map(texts::text),
        state: Vec::new(),
    })
}

/// Few are left: the person is told before they go on.
fn tell(left: usize) -> Step {
    let count = Argument { name: "count".into(), value: left.to_string() };
    Step::Challenge(Challenge {
        title: texts::text("recovery.few"),
        elements: vec![told(Text { key: "recovery.few.lead".into(), arguments: vec![count] })],
        submit: texts::text("recovery.few.submit"),
        error: None,
        state: TAKEN.to_vec(),
    })
}

fn told(body: Text) -> Element {
    Element::Message(Message { body, link: None })
}

/// The field's value when it came exactly once.
fn only<'a>(form: &'a [FormField], name: &str) -> Option<&'a str> {
    let mut values = form.iter().filter(|field| field.name == name);
    let value = values.next()?;
    values.next().is_none().then_some(value.value.as_str())
}

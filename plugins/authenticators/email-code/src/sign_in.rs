//! A code is sent, and judged.

use postern_otp::{Judged, SentCode};

use crate::bindings::exports::postern::idp::authenticator::{
    Argument, Challenge, Denial, Element, Field, FieldKind, FormField, Identity, Message, Person, Step, Text,
    Who,
};
use crate::bindings::postern::idp::messages::{self, Verdict};
use crate::bindings::postern::idp::system;
use crate::state::State;
use crate::{CONTEXT, METHOD, texts};

pub(crate) fn begin(person: &Person) -> Step {
    send(person, "email-code.sent")
}

pub(crate) fn proceed(person: &Person, state: &[u8], form: &[FormField]) -> Step {
    let Some(State { sent, address }) = State::read(state) else {
        return Step::Unavailable("the state is not one of this component's".into());
    };
    // A field that is missing, or comes twice, is a wrong code.
    match sent.judge(only(form, "code").unwrap_or_default(), system::now()) {
        Judged::Right => Step::Authenticated(Identity {
            who: Who::Account(person.subject.clone()),
            methods: vec![METHOD.into()],
            context: CONTEXT.into(),
            remember: None,
        }),
        Judged::Wrong(sent) => ask(State { sent, address }, "email-code.sent", Some("email-code.wrong")),
        Judged::Spent => {
            Step::Denied(Denial { text: texts::text("email-code.spent"), reason: "five wrong codes".into() })
        }
        // Nobody has looked at what was typed: no failure.
        Judged::Ended => send(person, "email-code.again"),
    }
}

/// Sends a new code and asks for it.
fn send(person: &Person, lead: &str) -> Step {
    let length = u32::try_from(SentCode::RANDOM).unwrap_or_default();
    let Some((sent, code)) = SentCode::new(&system::random(length), system::now()) else {
        return Step::Unavailable("no randomness".into());
    };
    let code = messages::Argument { name: "code".into(), value: code.as_str().into() };
    let paragraphs = [
        texts::mail("email-code.mail.code", vec![code]),
        texts::mail("email-code.mail.good", Vec::new()),
        texts::mail("email-code.mail.not-you", Vec::new()),
    ];
    let subject_line = texts::mail("email-code.mail.subject", Vec::new());
    match messages::send(&person.subject, &subject_line, &paragraphs) {
        Verdict::Sent(address) => ask(State { sent, address }, lead, None),
        Verdict::NoAddress => Step::NotEnrolled,
        Verdict::Throttled(seconds) => {
            Step::Unavailable(format!("too many messages to this person: the next one in {seconds} s"))
        }
        Verdict::Unavailable => Step::Unavailable("the mail server did not take the message".into()),
    }
}

fn ask(state: State, lead: &str, error: Option<&str>) -> Step {
    let address = Argument { name: "address".into(), value: state.address.clone() };
    let told = Text { key: lead.into(), arguments: vec![address] };
    Step::Challenge(Challenge {
        title: texts::text("email-code.ask"),
        elements: vec![
            Element::Message(Message { body: told, link: None }),
            Element::Field(Field {
                name: "code".into(),
                kind: FieldKind::OneTimeCode,
                label: texts::text("email-code.code"),
                value: String::new(),
                required: true,
                autocomplete: "one-time-code".into(),
            }),
        ],
        submit: texts::text("sign-in.submit"),
        error: error.map(texts::text),
        state: state.write(),
    })
}

/// The field's value when it came exactly once.
fn only<'a>(form: &'a [FormField], name: &str) -> Option<&'a str> {
    let mut values = form.iter().filter(|field| field.name == name);
    let value = values.next()?;
    values.next().is_none().then_some(value.value.as_str())
}

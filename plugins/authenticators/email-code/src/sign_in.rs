//! A code is sent, and judged.

use postern_authenticator::messages::Verdict;
use postern_authenticator::*;
use postern_otp::{Judged, SentCode};

use crate::state::State;
use crate::{CONTEXT, METHOD};

pub(crate) fn begin(person: &Person) -> Step {
    send(person, "email-code.sent")
}

pub(crate) fn proceed(person: &Person, state: &[u8], form: &Form) -> Step {
    let Some(State { sent, address }) = State::read(state) else {
        return unavailable("the state is not one of this component's");
    };
    // A field that is missing, or comes twice, is a wrong code.
    match sent.judge(form.value("code"), system::now()) {
        Judged::Right => confirmed(person, METHOD, CONTEXT),
        Judged::Wrong(sent) => ask(State { sent, address }, "email-code.sent", Some("email-code.wrong")),
        Judged::Spent => denied("email-code.spent", "five wrong codes"),
        // Nobody has looked at what was typed: no failure.
        Judged::Ended => send(person, "email-code.again"),
    }
}

/// Sends a new code and asks for it.
fn send(person: &Person, lead: &str) -> Step {
    let length = u32::try_from(SentCode::RANDOM).unwrap_or_default();
    let Some((sent, code)) = SentCode::new(&system::random(length), system::now()) else {
        return unavailable("no randomness");
    };
    let paragraphs = vec![
        text_with("email-code.mail.code", "code", code.as_str()),
        text("email-code.mail.good"),
        text("email-code.mail.not-you"),
    ];
    match write_to(person, text("email-code.mail.subject"), paragraphs) {
        Verdict::Sent(address) => ask(State { sent, address }, lead, None),
        Verdict::NoAddress => Step::NotEnrolled,
        Verdict::Throttled(seconds) => {
            unavailable(&format!("too many messages to this person: the next one in {seconds} s"))
        }
        Verdict::Unavailable => unavailable("the mail server did not take the message"),
    }
}

fn ask(state: State, lead: &str, error: Option<&str>) -> Step {
    let lead = told(text_with(lead, "address", &state.address));
    let asked =
        challenge("email-code.ask", vec![lead, one_time_code("code", "email-code.code")], error.map(text));
    Step::Challenge(Challenge { state: state.write(), ..asked })
}

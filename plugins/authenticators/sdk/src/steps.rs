//! Short words for what an authenticator answers.

use crate::{
    Argument, Challenge, Claim, ClaimSet, Denial, Element, Identity, Person, Redirection, Step, Text, Who,
    messages, text,
};

/// A form. With an `error`, the try before counts as a failure of the person.
pub fn ask(title: &str, elements: Vec<Element>, error: Option<Text>) -> Step {
    Step::Challenge(challenge(title, elements, error))
}

/// The same to change: it is a record. Its button says "Sign in", and it keeps no state.
pub fn challenge(title: &str, elements: Vec<Element>, error: Option<Text>) -> Challenge {
    Challenge { title: text(title), elements, submit: text("sign-in.submit"), error, state: Vec::new() }
}

/// The person goes to that address, on a host that the operator allows (`redirects`). Send
/// `call.context.redirect_uri` along, where they come back to, and `call.context.redirect_state` as `state`;
/// then `call.returned` has what they bring back, and `call.state` this state.
pub fn sent_to(url: &str, state: Vec<u8>) -> Step {
    Step::Redirect(Redirection { url: url.into(), state })
}

/// It is this person.
pub fn confirmed(person: &Person, method: &str, context: &str) -> Step {
    authenticated(Who::Account(person.subject.clone()), method, context)
}

/// It is who `accounts` or `credential_index` found in this call.
pub fn found(subject: &str, method: &str, context: &str) -> Step {
    authenticated(Who::Account(subject.into()), method, context)
}

/// It is whom `issuer` calls `subject`, for ever. Who that is here is the operator's word (`accounts`): nobody,
/// the account that is linked with it, or one that is made for it. Claims are by their names here, as `email`.
pub fn vouched_for(
    issuer: &str,
    subject: &str,
    claims: &[(&str, &str)],
    method: &str,
    context: &str,
) -> Step {
    let claim = |(name, value): &(&str, &str)| Claim { name: (*name).into(), values: vec![(*value).into()] };
    let claims = claims.iter().map(claim).collect();
    let who = ClaimSet { issuer: issuer.into(), subject: subject.into(), claims };
    authenticated(Who::Claims(who), method, context)
}

fn authenticated(who: Who, method: &str, context: &str) -> Step {
    Step::Authenticated(Identity {
        who,
        methods: vec![method.into()],
        context: context.into(),
        remember: None,
    })
}

/// This person may not, and reads why. The reason is for the log.
pub fn denied(told: &str, reason: &str) -> Step {
    Step::Denied(Denial { text: text(told), reason: reason.into() })
}

/// It can't be used now: another way is taken, if one is allowed. The reason is for the log.
pub fn unavailable(reason: &str) -> Step {
    Step::Unavailable(reason.into())
}

/// It stands in the first step, where nobody is known yet.
pub fn nobody() -> Step {
    unavailable("it confirms somebody who is known: it is no first step")
}

/// Mail to this person, whose address stays unknown: a subject line, and up to eight paragraphs, all texts of the
/// component's own. Two a call.
pub fn write_to(person: &Person, subject_line: Text, paragraphs: Vec<Text>) -> messages::Verdict {
    let argument = |Argument { name, value }: Argument| messages::Argument { name, value };
    let text = |Text { key, arguments }: Text| messages::Text {
        key,
        arguments: arguments.into_iter().map(argument).collect(),
    };
    let paragraphs: Vec<messages::Text> = paragraphs.into_iter().map(text).collect();
    messages::send(&person.subject, &text(subject_line), &paragraphs)
}

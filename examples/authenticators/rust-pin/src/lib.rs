//! A PIN as a further factor. The person chooses it; the kernel seals it and counts wrong tries.
#![cfg(target_family = "wasm")]

use postern_authenticator::*;

struct Pin;

const CONTEXT: &str = "https://sso.example.com/contexts/pin";
const TEXTS: Texts = &[
    ("rust-pin.title", "en", "PIN"),
    ("rust-pin.title", "de", "PIN"),
    ("rust-pin.label", "en", "Your PIN"),
    ("rust-pin.label", "de", "Ihre PIN"),
    ("rust-pin.digits", "en", "A PIN has {least} digits at least."),
    ("rust-pin.digits", "de", "Eine PIN hat mindestens {least} Ziffern."),
    ("rust-pin.wrong", "en", "That is not your PIN."),
    ("rust-pin.wrong", "de", "Das ist nicht Ihre PIN."),
];
const LEAST: usize = 4;

impl Authenticator for Pin {
    fn describe() -> Description {
        let version = env!("CARGO_PKG_VERSION");
        let pin = further_factor("rust-pin", version, Factor::Knowledge, "pin", CONTEXT, TEXTS);
        Description { enrols: true, ..pin }
    }

    fn sign_in(call: &Call) -> Step {
        let Some(person) = call.person() else { return nobody() };
        let Some(kept) = credentials::list(&person.subject).pop() else { return Step::NotEnrolled };
        match &call.form {
            None => form(None),
            Some(sent) if same(sent.value("digits").as_bytes(), &kept.data) => confirmed(person, "pin", CONTEXT),
            Some(_) => form(Some(text("rust-pin.wrong"))),
        }
    }

    fn enrol(call: &Call) -> Step {
        let Some(person) = call.person() else { return nobody() };
        let Some(sent) = &call.form else { return form(None) };
        let pin = sent.value("digits");
        if pin.len() < LEAST || !pin.bytes().all(|byte| byte.is_ascii_digit()) {
            return form(Some(text_with("rust-pin.digits", "least", &LEAST.to_string())));
        }
        // One PIN a person: the new one takes the place of the old one.
        for old in credentials::list(&person.subject) {
            credentials::remove(&person.subject, &old.id);
        }
        credentials::add(&person.subject, "", pin.as_bytes());
        Step::Enrolled
    }
}

fn form(error: Option<Text>) -> Step {
    ask("rust-pin.title", vec![secret("digits", "rust-pin.label")], error)
}

postern_authenticator::export!(Pin);

//! An authenticator of version 0.1.0 of the contract. It uses all of what that version has and every host
//! serves; `wit/` is the contract as it was. Nothing in this folder changes any more: README.md.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports that wit-bindgen generates")]

#[allow(missing_docs, unreachable_pub, reason = "generated; documented in wit/authenticator.wit")]
mod bindings {
    wit_bindgen::generate!({ world: "authenticator-module", path: "wit" });
}

use bindings::exports::postern::idp::authenticator::{
    Argument, Challenge, Choice, ChoiceOption, Context, Denial, Description, Element, Event, Factor, Field,
    FieldKind, FormField, Guest, Identity, Link, Message, Person, Purpose, QrCode, Step, Text, Translation,
    Who,
};
use bindings::postern::idp::accounts::{PasswordVerdict, check_password};
use bindings::postern::idp::{credentials, system};

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

struct Kept;

impl Guest for Kept {
    fn describe() -> Description {
        let translation = |language: &str, text: &str| Translation {
            language: language.into(),
            key: "kept.title".into(),
            text: text.into(),
        };
        Description {
            name: "kept".into(),
            version: "0.1.0".into(),
            title: text("kept.title"),
            factors: vec![Factor::Knowledge],
            methods: vec!["pwd".into(), "kba".into()],
            contexts: vec!["weak".into(), "strong".into()],
            identifies: true,
            enrols: true,
            settings_schema: r#"{"type":"object"}"#.into(),
            translations: vec![
                translation("en", "Kept for {years} years"),
                translation("de", "Alt: {years}"),
            ],
        }
    }

    fn begin(context: Context) -> Step {
        system::log(system::Level::Debug, &context.relying_party);
        let mut elements = vec![
            Element::Message(Message {
                body: text("kept.title"),
                link: Some(Link { url: context.base_url, label: text("sign-in.title") }),
            }),
            field("username", FieldKind::Text, context.login_hint.unwrap_or_default()),
            field("password", FieldKind::Secret, String::new()),
            Element::Choice(Choice {
                name: "wish".into(),
                label: text("kept.title"),
                options: ["in", "out", "away", "not-enrolled"].map(option).into(),
            }),
        ];
        if context.purpose == Purpose::Enrol {
            let label = text("kept.title");
            elements.push(Element::QrCode(QrCode { label, payload: "kept".into(), plain: "kept".into() }));
        }
        ask(elements, None, system::random(4))
    }

    fn proceed(context: Context, state: Vec<u8>, event: Event) -> Step {
        let Event::Form(form) = event else { return Step::Unavailable("another event".into()) };
        if state.len() != 4 {
            return Step::Unavailable("another state".into());
        }
        match (context.purpose, context.person) {
            (Purpose::Enrol, Some(person)) => enrol(&person, &form),
            (Purpose::Enrol, None) => Step::Unavailable("nobody enrols".into()),
            (Purpose::SignIn, _) => sign_in(&form),
        }
    }
}

fn enrol(person: &Person, form: &[FormField]) -> Step {
    let Some(id) = credentials::add(&person.subject, "answer", value(form, "password").as_bytes()) else {
        return Step::Unavailable("full".into());
    };
    let known = credentials::list(&person.subject);
    let Some(first) = known.iter().find(|credential| credential.id == id) else {
        return Step::Unavailable("not kept".into());
    };
    let is_replaced = credentials::replace(&person.subject, &id, first.version, b"replaced");
    let is_replaced_again = credentials::replace(&person.subject, &id, first.version, b"replaced");
    match (is_replaced, is_replaced_again, first.created_at <= system::now()) {
        (true, false, true) if credentials::remove(&person.subject, &id) => Step::Enrolled,
        _ => Step::Unavailable("not replaced, or twice".into()),
    }
}

fn sign_in(form: &[FormField]) -> Step {
    match value(form, "wish") {
        "out" => return Step::Denied(Denial { text: text("kept.title"), reason: "as they wish".into() }),
        "away" => return Step::Unavailable("as they wish".into()),
        "not-enrolled" => return Step::NotEnrolled,
        _ => {}
    }
    match check_password(value(form, "username"), value(form, "password")) {
        PasswordVerdict::Correct(account) => Step::Authenticated(Identity {
            who: Who::Account(account.subject),
            methods: vec!["pwd".into()],
            context: "strong".into(),
            remember: Some(60),
        }),
        PasswordVerdict::Wrong => ask(Vec::new(), Some("sign-in.wrong"), vec![0; 4]),
        PasswordVerdict::Throttled(_) => ask(Vec::new(), Some("sign-in.throttled"), vec![0; 4]),
        PasswordVerdict::Unavailable => Step::Unavailable("the user store".into()),
    }
}

fn value<'f>(form: &'f [FormField], name: &str) -> &'f str {
    form.iter().find(|field| field.name == name).map(|field| field.value.as_str()).unwrap_or_default()
}

fn text(key: &str) -> Text {
    Text { key: key.into(), arguments: vec![Argument { name: "years".into(), value: "ever".into() }] }
}

fn option(value: &str) -> ChoiceOption {
    ChoiceOption { value: value.into(), label: text(value) }
}

fn field(name: &str, kind: FieldKind, value: String) -> Element {
    Element::Field(Field {
        name: name.into(),
        kind,
        label: text(name),
        value,
        required: true,
        autocomplete: String::new(),
    })
}

fn ask(elements: Vec<Element>, error: Option<&str>, state: Vec<u8>) -> Step {
    Step::Challenge(Challenge {
        title: text("kept.title"),
        elements,
        submit: text("sign-in.submit"),
        error: error.map(text),
        state,
    })
}

bindings::export!(Kept with_types_in bindings);

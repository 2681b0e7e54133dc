//! An authenticator that says what it knows wherever it may say something: as HTML, in URLs, with characters that
//! nobody sees, and too much of it. What the person types says where and how: `place kind`.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports that wit-bindgen generates")]

mod saying;

#[allow(missing_docs, unreachable_pub, reason = "generated; documented in wit/authenticator.wit")]
mod bindings {
    wit_bindgen::generate!({ world: "authenticator-module", path: "../../../wit" });
}

use bindings::exports::postern::idp::authenticator::{
    Argument, Challenge, Choice, ChoiceOption, Claim, ClaimSet, Context, Denial, Description, Element, Event,
    Factor, Field, FieldKind, Guest, Identity, Link, Message, QrCode, Step, Text, Translation, Waiting, Who,
};
use bindings::postern::idp::system;
use saying::Saying;

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

const CONTEXT: &str = "urn:example:talker";

struct Talker;

impl Guest for Talker {
    fn describe() -> Description {
        let translation =
            |key: &str, text: &str| Translation { language: "en".into(), key: key.into(), text: text.into() };
        Description {
            name: "talker".into(),
            version: "1".into(),
            title: text("title"),
            factors: vec![Factor::Knowledge],
            methods: vec!["fed".into()],
            contexts: vec![CONTEXT.into()],
            identifies: true,
            enrols: false,
            settings_schema: "{}".into(),
            translations: vec![
                translation("title", "Tell me everything"),
                translation("what", "What to say"),
                translation("secret", "A secret"),
                translation("tell", "Tell"),
                translation("quoted", "You said {what}."),
            ],
        }
    }

    fn begin(_context: Context) -> Step {
        Step::Challenge(challenge(text("title"), questions(), text("tell"), None))
    }

    fn proceed(context: Context, state: Vec<u8>, event: Event) -> Step {
        let form = match event {
            Event::Form(form) => form,
            // It goes on waiting.
            Event::Poll => {
                let said = String::from_utf8_lossy(&state).into_owned();
                return answer(&Saying { place: "waiting".into(), said });
            }
            Event::Returned(_) => return Self::begin(context),
        };
        let typed = |name: &str| {
            let field = form.iter().find(|field| field.name == name);
            field.map(|field| field.value.clone()).unwrap_or_default()
        };
        let what = typed("what");
        let (place, kind) = what.split_once(' ').unwrap_or((&what, "plain"));
        let known =
            format!("{}-of-{}-for-{}", typed("secret"), context.client_address, context.relying_party);
        let said = saying::of(kind, &known);
        system::log(system::Level::Warn, &said);
        answer(&Saying { place: place.into(), said })
    }
}

fn answer(saying: &Saying) -> Step {
    let claims = |claims: ClaimSet| {
        Step::Authenticated(Identity {
            who: Who::Claims(claims),
            methods: vec![saying.at("method", "fed")],
            context: saying.at("context", CONTEXT),
            remember: None,
        })
    };
    match saying.place.as_str() {
        "denied-text" | "denied-reason" => Step::Denied(Denial {
            text: own(&saying.at("denied-text", "title")),
            reason: saying.at("denied-reason", "said"),
        }),
        "unavailable" => Step::Unavailable(saying.said.clone()),
        "redirect" => Step::Redirect(bindings::exports::postern::idp::authenticator::Redirection {
            url: saying.said.clone(),
            state: Vec::new(),
        }),
        "issuer" | "subject" | "claim-name" | "claim-value" | "method" | "context" => claims(ClaimSet {
            issuer: saying.at("issuer", "https://talker.example"),
            subject: saying.at("subject", "1"),
            claims: vec![Claim {
                name: saying.at("claim-name", "name"),
                values: vec![saying.at("claim-value", "Somebody")],
            }],
        }),
        _ => everywhere(saying),
    }
}

/// Each place that a challenge has.
fn everywhere(saying: &Saying) -> Step {
    let said = |place: &str, otherwise: &str| own(&saying.at(place, otherwise));
    let quoted = Text {
        key: "quoted".into(),
        arguments: vec![Argument {
            name: saying.exactly("argument-name", "what"),
            value: saying.at("argument", "it"),
        }],
    };
    let option = |value: &str| ChoiceOption { value: value.into(), label: said("option", "title") };
    let mut elements = questions();
    elements.extend([
        Element::Field(Field {
            name: saying.exactly("field-name", "more"),
            kind: FieldKind::Text,
            label: said("label", "what"),
            value: saying.at("value", ""),
            required: false,
            autocomplete: saying.exactly("autocomplete", "off"),
        }),
        Element::Choice(Choice {
            name: "choice".into(),
            label: said("choice", "what"),
            options: vec![option(&saying.at("option-value", "one")), option("two")],
        }),
        Element::QrCode(QrCode {
            label: said("qr-label", "title"),
            payload: saying.at("qr-payload", "payload"),
            plain: saying.at("qr-plain", "plain"),
        }),
        Element::Message(Message {
            body: quoted,
            link: Some(Link {
                url: saying.exactly("link", "https://evil.example/?nothing"),
                label: said("link-label", "title"),
            }),
        }),
        Element::Message(Message { body: said("message", "title"), link: None }),
    ]);
    if saying.place == "waiting" {
        elements.push(Element::Waiting(Waiting { label: own(&saying.said), interval: 60 }));
    }
    let error = ["error", "all"].contains(&saying.place.as_str()).then(|| own(&saying.said));
    let state = if saying.place == "waiting" { saying.said.clone().into_bytes() } else { Vec::new() };
    let challenge = challenge(said("title", "title"), elements, said("submit", "tell"), error);
    Step::Challenge(Challenge { state, ..challenge })
}

fn questions() -> Vec<Element> {
    let field = |name: &str, kind| {
        Element::Field(Field {
            name: name.into(),
            kind,
            label: text(name),
            value: String::new(),
            required: false,
            autocomplete: if kind == FieldKind::Secret { "current-password" } else { "off" }.into(),
        })
    };
    vec![field("what", FieldKind::Text), field("secret", FieldKind::Secret)]
}

fn challenge(title: Text, elements: Vec<Element>, submit: Text, error: Option<Text>) -> Challenge {
    Challenge { title, elements, submit, error, state: Vec::new() }
}

fn text(key: &str) -> Text {
    Text { key: key.into(), arguments: Vec::new() }
}

/// A key that nobody has translated is shown as it is.
fn own(said: &str) -> Text {
    text(said)
}

bindings::export!(Talker with_types_in bindings);

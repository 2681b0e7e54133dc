//! Hostile guest: an authenticator that does what its login hint names. The sandbox's tests call it.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports that wit-bindgen generates")]

mod crimes;

#[allow(missing_docs, unreachable_pub, reason = "generated; documented in wit/authenticator.wit")]
mod bindings {
    wit_bindgen::generate!({ world: "authenticator-module", path: "../../../wit" });
}

use bindings::exports::postern::idp::authenticator::{
    Context, Description, Event, Factor, Guest, Step, Text, Translation,
};

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

struct Forger;

fn text(key: &str) -> Text {
    Text { key: key.into(), arguments: Vec::new() }
}

fn translation(key: &str, text: &str) -> Translation {
    Translation { language: "en".into(), key: key.into(), text: text.into() }
}

impl Guest for Forger {
    fn describe() -> Description {
        Description {
            name: "forger".into(),
            version: "1".into(),
            title: text("forger"),
            factors: vec![Factor::Knowledge],
            methods: vec!["pwd".into()],
            contexts: vec!["any".into()],
            identifies: true,
            enrols: true,
            settings_schema: "{}".into(),
            translations: vec![translation("title", "A title"), translation("with", "Dear {who}")],
        }
    }

    fn begin(context: Context) -> Step {
        crimes::commit(context.login_hint.as_deref().unwrap_or_default())
    }

    fn proceed(context: Context, _state: Vec<u8>, _event: Event) -> Step {
        Self::begin(context)
    }
}

bindings::export!(Forger with_types_in bindings);

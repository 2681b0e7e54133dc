//! An authenticator that sends people to a provider of the tests', and believes what that one signs: an answer
//! to this attempt, by the key in the settings.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports that wit-bindgen generates")]

#[allow(missing_docs, unreachable_pub, reason = "generated; documented in wit/authenticator.wit")]
mod bindings {
    wit_bindgen::generate!({ world: "authenticator-module", path: "../../../wit" });
}

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bindings::exports::postern::idp::authenticator::{
    Claim, ClaimSet, Context, Denial, Description, Event, Factor, Guest, Identity, Redirection, Step, Text,
    Translation, Who,
};
use bindings::postern::idp::{signatures, system};

#[global_allocator]
static ALLOCATOR: postern_arena::Arena = postern_arena::Arena::new();

struct SentAway;

impl Guest for SentAway {
    fn describe() -> Description {
        let translation =
            |key: &str, text: &str| Translation { language: "en".into(), key: key.into(), text: text.into() };
        Description {
            name: "sent-away".into(),
            version: "1".into(),
            title: text("title"),
            factors: vec![Factor::Knowledge],
            methods: vec!["fed".into()],
            contexts: vec!["urn:example:elsewhere".into()],
            identifies: true,
            enrols: false,
            settings_schema: r#"{"type":"object","properties":{"provider":{"type":"string"},"key":{"type":"string"}},"required":["provider","key"]}"#.into(),
            translations: vec![
                translation("title", "Example Login"),
                translation("refused", "The provider did not sign you in."),
            ],
        }
    }

    fn begin(context: Context) -> Step {
        let Some(settings) = Settings::read(&context.settings) else { return broken() };
        let nonce = URL_SAFE_NO_PAD.encode(system::random(16));
        let redirect_uri = context.redirect_uri.replace(':', "%3A").replace('/', "%2F");
        let url = format!(
            "{}?redirect_uri={redirect_uri}&state={}&nonce={nonce}",
            settings.provider, context.redirect_state
        );
        Step::Redirect(Redirection { url, state: nonce.into_bytes() })
    }

    fn proceed(context: Context, state: Vec<u8>, event: Event) -> Step {
        let Some(settings) = Settings::read(&context.settings) else { return broken() };
        let Event::Returned(encoded) = event else { return Self::begin(context) };
        match answered(&settings, &state, &encoded) {
            Ok(claims) => Step::Authenticated(Identity {
                who: Who::Claims(claims),
                methods: vec!["fed".into()],
                context: "urn:example:elsewhere".into(),
                remember: None,
            }),
            Err(reason) => Step::Denied(Denial { text: text("refused"), reason: reason.into() }),
        }
    }
}

struct Settings {
    provider: String,
    key: Vec<u8>,
}

impl Settings {
    fn read(json: &str) -> Option<Self> {
        let value: serde_json::Value = serde_json::from_str(json).ok()?;
        let key = URL_SAFE_NO_PAD.decode(value.get("key")?.as_str()?).ok()?;
        Some(Self { provider: value.get("provider")?.as_str()?.to_owned(), key })
    }
}

/// `answer` is the nonce, the issuer, the subject and claims, a line each; `signature` is of it.
fn answered(settings: &Settings, nonce: &[u8], encoded: &str) -> Result<ClaimSet, &'static str> {
    let field = |name: &str| {
        let value =
            encoded.split('&').filter_map(|pair| pair.split_once('=')).find(|(known, _)| *known == name);
        value.map(|(_, value)| value)
    };
    if field("error").is_some() {
        return Err("refused-elsewhere");
    }
    let decoded = |name| field(name).and_then(|value| URL_SAFE_NO_PAD.decode(value).ok());
    let (answer, signature) = decoded("answer").zip(decoded("signature")).ok_or("unsigned")?;
    if !signatures::verify(signatures::Algorithm::EdDsa, &settings.key, &answer, &signature) {
        return Err("badly-signed");
    }
    let answer = String::from_utf8(answer).map_err(|_| "unreadable")?;
    let mut lines = answer.lines();
    if lines.next().map(str::as_bytes) != Some(nonce) {
        return Err("of-another-attempt");
    }
    let (issuer, subject) = lines.next().zip(lines.next()).ok_or("unreadable")?;
    let claim = |(name, value): (&str, &str)| Claim { name: name.into(), values: vec![value.into()] };
    let claims = lines.filter_map(|line| line.split_once('=')).map(claim).collect();
    Ok(ClaimSet { issuer: issuer.into(), subject: subject.into(), claims })
}

fn text(key: &str) -> Text {
    Text { key: key.into(), arguments: Vec::new() }
}

fn broken() -> Step {
    Step::Unavailable("settings".into())
}

bindings::export!(SentAway with_types_in bindings);

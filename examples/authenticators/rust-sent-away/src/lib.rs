//! People sign in at another place, which vouches for them. They come back with a ticket, and the place is asked
//! whose it is.
#![cfg(target_family = "wasm")]

use postern_authenticator::*;
use serde::Deserialize;

struct SentAway;

const CONTEXT: &str = "https://sso.example.com/contexts/rust-sent-away";
const TEXTS: Texts = &[
    ("rust-sent-away.title", "en", "Your club"),
    ("rust-sent-away.title", "de", "Ihr Verein"),
    ("rust-sent-away.refused", "en", "Your club did not sign you in."),
    ("rust-sent-away.refused", "de", "Ihr Verein hat Sie nicht angemeldet."),
];
const SETTINGS: &str = r#"{"type":"object","additionalProperties":false,"required":["place"],"properties":{
"place":{"type":"string","description":"Where people sign in, such as https://club.example.org"}}}"#;

#[derive(Deserialize)]
struct Settings {
    place: String,
}

/// What the place says of a ticket.
#[derive(Deserialize)]
struct Member {
    number: String,
    username: String,
    nonce: String,
    /// Whether they had to prove it there for this ticket: a session there was not enough.
    anew: bool,
}

impl Authenticator for SentAway {
    fn describe() -> Description {
        let version = env!("CARGO_PKG_VERSION");
        let club = further_factor("rust-sent-away", version, Factor::Knowledge, "pwd", CONTEXT, TEXTS);
        Description { identifies: true, settings_schema: SETTINGS.into(), ..club }
    }

    fn sign_in(call: &Call) -> Step {
        // The host has judged them by the schema.
        let Ok(Settings { place }) = serde_json::from_str(&call.context.settings) else {
            return unavailable("its settings are not those of the schema");
        };
        let Some(back) = &call.returned else { return away(call, &place) };
        if back.value("ticket").is_empty() {
            return denied("rust-sent-away.refused", "back without a ticket");
        }
        // The place knows us by a secret that the host adds: it is not in here.
        let ticket = [("ticket", back.value("ticket"))];
        let asked = outbound::send(&post_form(&format!("{place}/tickets"), &ticket, Some("place")));
        let member: Member = match asked.map(|answer| serde_json::from_slice(&answer.body)) {
            Ok(Ok(member)) => member,
            Ok(Err(_)) => return denied("rust-sent-away.refused", "a ticket that the place does not know"),
            Err(error) => return unavailable(error.name()),
        };
        // A ticket of somebody else's attempt, put into this one.
        if !same(member.nonce.as_bytes(), &call.state) {
            return denied("rust-sent-away.refused", "the ticket is for another sign-in");
        }
        // `anew` went along in the person's browser, who could take it out.
        if demanded().wants_recent() && !member.anew {
            return denied("rust-sent-away.refused", "the place did not ask them anew");
        }
        vouched_for(&place, &member.number, &[("preferred_username", &member.username)], "pwd", CONTEXT)
    }
}

/// To the place, with where to come back to, and whether they have to prove anew who they are; what is kept here
/// meanwhile is what the ticket has to be for.
fn away(call: &Call, place: &str) -> Step {
    let nonce: String = system::random(16).iter().map(|byte| format!("{byte:02x}")).collect();
    let Context { redirect_uri, redirect_state, .. } = &call.context;
    let anew = if demanded().wants_recent() { "true" } else { "false" };
    let parameters =
        [("anew", anew), ("back", redirect_uri.as_str()), ("state", redirect_state), ("nonce", &nonce)];
    sent_to(&url_with(&format!("{place}/sign-in"), &parameters), nonce.into_bytes())
}

postern_authenticator::export!(SentAway);

//! An introspection endpoint that says what it is told to say, and the filter that asks it.
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use postern_end_to_end::process::refusing_port;
use postern_end_to_end::wire::{self, Kind, Message};
use serde_json::{Value, json};

use crate::world::{AUDIENCE, ISSUER, KeyHost, claims};

pub(crate) const CLIENT: &str = "the edge";
/// With what a form and a header have to escape.
pub(crate) const SECRET: &str = "s3cret &=%+:/?";

/// What comes of a question.
#[derive(Clone)]
pub(crate) enum Said {
    /// Status, further header lines, body.
    Answer(u16, &'static str, String),
    /// A good answer after a while.
    Late(Duration, Value),
    /// The connection is closed.
    Close,
    /// The connection is closed in the middle of this body.
    Half(String),
}

/// The endpoint.
pub(crate) struct AskedHost {
    pub(crate) host: KeyHost,
    said: Arc<Mutex<BTreeMap<String, Said>>>,
    seen: Arc<Mutex<Vec<Message>>>,
}

impl AskedHost {
    /// One that calls every token inactive of which it was not told more.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let host = KeyHost::elsewhere(listener.local_addr().expect("an address").port());
        let (said, seen): (Arc<Mutex<BTreeMap<_, _>>>, Arc<Mutex<Vec<_>>>) = Default::default();
        let (own, kept) = (said.clone(), seen.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (own, kept) = (own.clone(), kept.clone());
                thread::spawn(move || serve(stream, &own, &kept));
            }
        });
        Self { host, said, seen }
    }

    /// Nobody listens there.
    pub(crate) fn absent() -> Self {
        Self { host: KeyHost::elsewhere(refusing_port()), said: Arc::default(), seen: Arc::default() }
    }

    pub(crate) fn say(&self, token: &str, said: Said) {
        self.said.lock().expect("nobody panics with it").insert(token.to_owned(), said);
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.seen.lock().expect("nobody panics with it").len()
    }

    /// How often it was asked about that token.
    pub(crate) fn asked_about(&self, token: &str) -> usize {
        let seen = self.seen.lock().expect("nobody panics with it");
        seen.iter().filter(|message| parameter(message, "token").as_deref() == Some(token)).count()
    }

    /// The questions since the last call.
    pub(crate) fn take(&self) -> Vec<Message> {
        std::mem::take(&mut *self.seen.lock().expect("nobody panics with it"))
    }
}

fn parameter(message: &Message, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(&message.body);
    pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

fn serve(
    mut stream: TcpStream,
    said: &Mutex<BTreeMap<String, Said>>,
    seen: &Mutex<Vec<Message>>,
) -> io::Result<()> {
    while let Some(message) = wire::read(&mut stream, Kind::Request)? {
        let token = parameter(&message, "token").unwrap_or_default();
        seen.lock().expect("nobody panics with it").push(message);
        let inactive = Said::Answer(200, JSON, r#"{"active":false}"#.to_owned());
        let said = said.lock().expect("nobody panics with it").get(&token).cloned().unwrap_or(inactive);
        let (status, head, body) = match said {
            Said::Close => return Ok(()),
            Said::Half(body) => {
                let head = format!("HTTP/1.1 200 OK\r\n{JSON}content-length: {}\r\n\r\n", body.len());
                stream.write_all(head.as_bytes())?;
                return stream.write_all(&body.as_bytes()[..body.len() / 2]);
            }
            Said::Late(time, body) => {
                thread::sleep(time);
                (200, JSON, body.to_string())
            }
            Said::Answer(status, head, body) => (status, head, body),
        };
        let head = format!("HTTP/1.1 {status} Whatever\r\n{head}content-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
    }
    Ok(())
}

pub(crate) const JSON: &str = "content-type: application/json\r\n";

/// The members of a good answer, with these changed.
pub(crate) fn members(changes: Value) -> Value {
    let mut members = claims(json!({ "active": true, "token_type": "Bearer" }));
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    members.as_object_mut().expect("an object").extend(changes);
    members
}

/// A good answer, with these members changed.
pub(crate) fn active(changes: Value) -> Said {
    Said::Answer(200, JSON, members(changes).to_string())
}

/// An issuer that is asked about everything, with these settings changed. A client may bring many tokens.
pub(crate) fn asked_issuer(changes: Value) -> Value {
    let mut introspection = json!({
        "cluster": "keys-0", "authority": "idp.example.com", "path": "/oauth2/introspect",
        "client_id": CLIENT, "client_secret": SECRET,
        "client_calls_per_minute": 10_000, "calls_per_second": 10_000,
    });
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    introspection.as_object_mut().expect("an object").extend(changes);
    json!({ "issuer": ISSUER, "audiences": [AUDIENCE], "introspection": introspection })
}

/// The filter before `/orders` with that issuer.
pub(crate) fn configuration(issuer: Value) -> Value {
    json!({ "issuers": [issuer], "routes": [{ "match": { "prefix": "/orders" }, "scopes": ["orders.read"] }] })
}

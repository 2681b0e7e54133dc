//! A proxy with the token-validator, a recording upstream, and a server of keys that does as told.
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_end_to_end::client::Origin;
use postern_end_to_end::envoy::Envoy;
use postern_end_to_end::nginx::Nginx;
use postern_end_to_end::process::{free_port, refusing_port};
use postern_end_to_end::proxy::{Kind, Proxy};
use postern_end_to_end::tools;
use postern_end_to_end::upstream::Upstream;
use postern_end_to_end::wire::{self, Answer, Message};
use postern_vectors::{Key, Keys};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::configuration::{Tls, bootstrap, listener, nginx, resources};

pub(crate) const ISSUER: &str = "https://idp.example.com";
pub(crate) const AUDIENCE: &str = "https://api.example.com";

/// What the server of keys does with a request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Status, `Cache-Control`, body.
    Answer(u16, &'static str, String),
    /// The same after a while.
    Late(Duration, String),
    /// The connection is closed.
    Close,
    /// The connection is closed in the middle of this body.
    Half(String),
}

/// A server of keys.
pub(crate) struct KeyHost {
    pub(crate) port: u16,
    reply: Arc<Mutex<Reply>>,
    /// When it was asked.
    asked: Arc<Mutex<Vec<Instant>>>,
}

impl KeyHost {
    pub(crate) fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (reply, asked) = (Arc::new(Mutex::new(reply)), Arc::new(Mutex::default()));
        let (own, count) = (reply.clone(), asked.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (own, count) = (own.clone(), count.clone());
                thread::spawn(move || serve(stream, &own, &count));
            }
        });
        Self { port, reply, asked }
    }

    /// Nobody listens there.
    pub(crate) fn absent() -> Self {
        Self::elsewhere(refusing_port())
    }

    /// Whoever listens there.
    pub(crate) fn elsewhere(port: u16) -> Self {
        Self { port, reply: Arc::new(Mutex::new(Reply::Close)), asked: Arc::default() }
    }

    pub(crate) fn set(&self, reply: Reply) {
        *self.reply.lock().expect("nobody panics with it") = reply;
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked_at().len()
    }

    pub(crate) fn asked_at(&self) -> Vec<Instant> {
        self.asked.lock().expect("nobody panics with it").clone()
    }
}

fn serve(mut stream: TcpStream, reply: &Mutex<Reply>, asked: &Mutex<Vec<Instant>>) -> io::Result<()> {
    while wire::read(&mut stream, wire::Kind::Request)?.is_some() {
        asked.lock().expect("nobody panics with it").push(Instant::now());
        let reply = reply.lock().expect("nobody panics with it").clone();
        let (status, cache_control, body) = match reply {
            Reply::Close => return Ok(()),
            Reply::Half(body) => {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all(head.as_bytes())?;
                return stream.write_all(&body.as_bytes()[..body.len() / 2]);
            }
            Reply::Late(time, body) => {
                thread::sleep(time);
                (200, "max-age=600", body)
            }
            Reply::Answer(status, cache_control, body) => (status, cache_control, body),
        };
        let head = format!(
            "HTTP/1.1 {status} Whatever\r\ncache-control: {cache_control}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
    }
    Ok(())
}

/// A good JWK Set of these keys.
pub(crate) fn good(names: &[&str]) -> Reply {
    Reply::Answer(200, "max-age=600", jwks(names))
}

pub(crate) fn jwks(names: &[&str]) -> String {
    let keys: Vec<String> = names.iter().map(|name| key(name).jwk()).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

fn key(name: &str) -> &'static Key {
    Keys::shared().get(name).expect("a key of the vectors")
}

/// The claims of a good token of the first issuer, with these changed.
pub(crate) fn claims(changes: Value) -> Value {
    let now = now();
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "client_id": "shop", "jti": "1",
        "scope": "orders.read", "iat": now - 10, "exp": now + 290,
    });
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    claims.as_object_mut().expect("an object").extend(changes);
    claims
}

/// A token of the first issuer, signed with that key, with these claims changed.
pub(crate) fn token(key_name: &str, changes: Value) -> String {
    token_naming(key_name, key_name, changes)
}

/// The same, which says that it was signed with the key `kid`.
pub(crate) fn token_naming(kid: &str, key_name: &str, changes: Value) -> String {
    let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid });
    sign(key_name, &header, &claims(changes))
}

/// A token of the first issuer that is bound to that key of a client, and a fresh proof for a GET of
/// the URI, with these of its claims changed.
pub(crate) fn proof(key_name: &str, uri: &str, changes: Value) -> (String, String) {
    let bound = token("idp-ec", json!({ "cnf": { "jkt": thumbprint(key_name) } }));
    let proof = proof_for(&bound, key_name, uri, changes);
    (bound, proof)
}

/// The thumbprint of that key of a client (RFC 7638).
pub(crate) fn thumbprint(key_name: &str) -> String {
    key(key_name).thumbprint()
}

/// A fresh proof of that key for a GET of the URI with the token, with these of its claims changed.
pub(crate) fn proof_for(token: &str, key_name: &str, uri: &str, changes: Value) -> String {
    let jwk = public_jwk(key_name);
    let mut claims = json!({
        "jti": hash(&format!("{uri} {changes} {}", now())), "htm": "GET", "htu": uri, "iat": now(), "ath": hash(token),
    });
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    claims.as_object_mut().expect("an object").extend(changes);
    let header = json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": jwk });
    sign(key_name, &header, &claims)
}

fn public_jwk(key_name: &str) -> Value {
    let mut jwk: Value = serde_json::from_str(&key(key_name).jwk()).expect("JSON");
    jwk.as_object_mut()
        .expect("an object")
        .retain(|name, _| ["kty", "crv", "x", "y"].contains(&name.as_str()));
    jwk
}

/// base64url of the SHA-256.
pub(crate) fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()))
}

fn sign(key_name: &str, header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(header), encode(claims));
    let signature = key(key_name).sign_jwt("ES256", input.as_bytes()).expect("a P-256 key");
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[allow(clippy::disallowed_methods, reason = "tokens are made for the clock that the filter reads")]
fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock after 1970").as_secs()
}

/// The filter's configuration for the first issuer, whose keys are quickly fetched again.
pub(crate) fn issuer() -> Value {
    json!({
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "algorithms": ["ES256"],
        "jwks": {
            "cluster": "keys-0", "authority": "keys.example.com", "path": "/jwks",
            "min_refresh_seconds": 1, "refetch_pause_seconds": 1, "timeout_milliseconds": 20000,
        },
    })
}

/// The whole set-up.
pub(crate) struct World {
    pub(crate) origin: Origin,
    pub(crate) proxy: Proxy,
    pub(crate) upstream: Upstream,
    access_log: PathBuf,
    folder: TempDir,
    port: u16,
    filter: PathBuf,
    tls: Option<Tls>,
    /// Requests that were answered. Each is logged a little later.
    answered: AtomicUsize,
}

/// What is not as usual.
pub(crate) struct Setup {
    /// Worker threads of Envoy, processes of nginx.
    pub(crate) workers: u32,
    /// The module.
    pub(crate) filter: PathBuf,
    /// Whether the listener is read from a file that may change. nginx reads its own anew when it is told.
    pub(crate) is_dynamic: bool,
    /// What the listener shows and asks for, when it speaks TLS.
    pub(crate) tls: Option<Tls>,
}

impl Default for Setup {
    fn default() -> Self {
        Self { workers: 1, filter: tools::filter("token-validator"), is_dynamic: false, tls: None }
    }
}

impl World {
    /// Envoy with this configuration of the filter; the clusters `keys-0`, `keys-1` … are these hosts.
    pub(crate) fn start(configuration: &Value, hosts: &[&KeyHost]) -> Self {
        Self::start_with(configuration, hosts, Setup::default())
    }

    pub(crate) fn start_with(configuration: &Value, hosts: &[&KeyHost], setup: Setup) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let upstream = Upstream::start(None, BTreeMap::new());
        let port = free_port();
        let origin = Origin::plain(port);
        let access_log = folder.path().join("access.log");
        let Setup { workers, filter, is_dynamic, tls } = setup;
        let log = access_log.clone();
        let proxy = match Kind::of_test(env!("CARGO_CRATE_NAME")) {
            Kind::Envoy => {
                let listener = listener(port, &access_log, &filter, tls.as_ref(), configuration);
                let text = bootstrap(folder.path(), &listener, upstream.port, hosts, is_dynamic);
                Proxy::Envoy(Envoy::start_with_workers(workers, folder.path(), &text, port, log))
            }
            Kind::Nginx => {
                fs::write(folder.path().join("filter.json"), configuration.to_string()).expect("a file");
                let text = nginx(folder.path(), port, upstream.port, &filter, tls.as_ref(), hosts);
                Proxy::Nginx(Nginx::start_with_workers(workers, folder.path(), &text, port, log))
            }
        };
        let answered = AtomicUsize::new(0);
        Self { origin, proxy, upstream, access_log, folder, port, filter, tls, answered }
    }

    /// Gives a dynamic listener another configuration of the filter.
    pub(crate) fn update(&self, configuration: &Value) {
        if let Proxy::Nginx(nginx) = &self.proxy {
            fs::write(self.folder.path().join("filter.json"), configuration.to_string()).expect("a file");
            return nginx.signal(Signal::HUP);
        }
        let listener = listener(self.port, &self.access_log, &self.filter, self.tls.as_ref(), configuration);
        let (next, file) = (self.folder.path().join("next.yaml"), self.folder.path().join("listeners.yaml"));
        fs::write(&next, resources(&listener)).expect("a file");
        // Envoy watches for files that are moved in place, so that it reads none that is half written.
        fs::rename(&next, &file).expect("a file");
    }

    /// Asks for the path with a token: status and reason, and what reached the LAN.
    pub(crate) fn ask(&self, path: &str, token: &str) -> (Answer, String, Vec<Message>) {
        self.upstream.take();
        let before = self.logged();
        let answer = self.send(path, token);
        let logged = self.proxy.logged_after(before);
        (answer, logged.reason, self.upstream.take())
    }

    /// How many requests have been logged: at least all that were answered.
    pub(crate) fn logged(&self) -> usize {
        let answered = self.answered.load(Ordering::SeqCst);
        if answered > 0 {
            self.proxy.logged_after(answered - 1);
        }
        self.proxy.logged()
    }

    /// The same when others ask at the same time.
    pub(crate) fn send(&self, path: &str, token: &str) -> Answer {
        self.send_with(path, &[("authorization", &format!("Bearer {token}")), ("x-postern-subject", "root")])
    }

    /// The same with these headers.
    pub(crate) fn send_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send_from(&self.origin, path, headers)
    }

    /// The same over connections of that kind.
    pub(crate) fn send_from(&self, origin: &Origin, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.try_send(origin, path, headers).unwrap_or_else(|error| panic!("{error}\n{}", self.proxy.log()))
    }

    /// The same where a connection may break.
    pub(crate) fn try_send(
        &self,
        origin: &Origin,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer, String> {
        let host = origin.authority();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{headers}connection: close\r\n\r\n");
        let answer = origin.exchange(request.as_bytes())?;
        self.answered.fetch_add(1, Ordering::SeqCst);
        Ok(answer)
    }

    /// Status and reason of a request for `/orders`.
    pub(crate) fn verdict(&self, token: &str) -> (u16, String) {
        let (answer, reason, reached) = self.ask("/orders", token);
        assert_eq!(reached.len(), usize::from(answer.status == 200), "{reason}");
        (answer.status, reason)
    }

    /// Asks until the answer has that status, and demands that no other but `meanwhile` comes before.
    pub(crate) fn await_status(&self, token: &str, wanted: u16, meanwhile: u16) {
        let begun = Instant::now();
        loop {
            let (status, reason) = self.verdict(token);
            if status == wanted {
                return;
            }
            assert_eq!(status, meanwhile, "{reason}");
            let log = self.proxy.log();
            assert!(begun.elapsed() < Duration::from_secs(60), "never {wanted}, but {reason}:\n{log}");
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// The member `token` of the last line of the access log.
    pub(crate) fn logged_token(&self) -> Value {
        let text = fs::read_to_string(&self.access_log).expect("an access log");
        let line: Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
        line["token"].as_str().map_or(Value::Null, |json| serde_json::from_str(json).expect("JSON"))
    }
}

/// The code where nobody answers the filter's question: to Envoy's filters that looks like a response with
/// status 503 or 504, nginx's are told that there is none.
pub(crate) fn unanswered() -> &'static str {
    match Kind::of_test(env!("CARGO_CRATE_NAME")) {
        Kind::Envoy => "token.introspection.status",
        Kind::Nginx => "token.introspection.unreachable",
    }
}

/// Ends what other threads do until then, whatever becomes of the test.
pub(crate) struct Until<'a>(pub(crate) &'a AtomicBool);

impl Drop for Until<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

//! Envoy with the token-validator, a recording upstream, and a server of keys that does as told.
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_end_to_end::client::Origin;
use postern_end_to_end::envoy::Envoy;
use postern_end_to_end::process::free_port;
use postern_end_to_end::tools;
use postern_end_to_end::upstream::Upstream;
use postern_end_to_end::wire::{self, Answer, Kind, Message};
use postern_vectors::{Key, Keys};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const ISSUER: &str = "https://idp.example.com";
pub const AUDIENCE: &str = "https://api.example.com";

/// What the server of keys does with a request.
#[derive(Clone)]
pub enum Reply {
    /// Status, `Cache-Control`, body.
    Answer(u16, &'static str, String),
    /// The same after a while.
    Late(Duration, String),
    /// The connection is closed.
    Close,
}

/// A server of keys.
pub struct KeyHost {
    port: u16,
    reply: Arc<Mutex<Reply>>,
    asked: Arc<AtomicUsize>,
}

impl KeyHost {
    pub fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (reply, asked) = (Arc::new(Mutex::new(reply)), Arc::new(AtomicUsize::new(0)));
        let (own, count) = (reply.clone(), asked.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (own, count) = (own.clone(), count.clone());
                thread::spawn(move || serve(stream, &own, &count));
            }
        });
        Self { port, reply, asked }
    }

    pub fn set(&self, reply: Reply) {
        *self.reply.lock().expect("nobody panics with it") = reply;
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn serve(mut stream: TcpStream, reply: &Mutex<Reply>, asked: &AtomicUsize) -> io::Result<()> {
    while wire::read(&mut stream, Kind::Request)?.is_some() {
        asked.fetch_add(1, Ordering::SeqCst);
        let reply = reply.lock().expect("nobody panics with it").clone();
        let (status, cache_control, body) = match reply {
            Reply::Close => return Ok(()),
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
pub fn good(names: &[&str]) -> Reply {
    Reply::Answer(200, "max-age=600", jwks(names))
}

pub fn jwks(names: &[&str]) -> String {
    let keys: Vec<String> = names.iter().map(|name| key(name).jwk()).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

fn key(name: &str) -> &'static Key {
    Keys::shared().get(name).expect("a key of the vectors")
}

/// The claims of a good token of the first issuer, with these changed.
pub fn claims(changes: Value) -> Value {
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
pub fn token(key_name: &str, changes: Value) -> String {
    let claims = claims(changes);
    let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": key_name });
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(&header), encode(&claims));
    let signature = key(key_name).sign_jwt("ES256", input.as_bytes()).expect("a P-256 key");
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[allow(clippy::disallowed_methods, reason = "tokens are made for the clock that the filter reads")]
fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock after 1970").as_secs()
}

/// The filter's configuration for the first issuer, whose keys are quickly fetched again.
pub fn issuer() -> Value {
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
pub struct World {
    pub origin: Origin,
    pub envoy: Envoy,
    upstream: Upstream,
    access_log: PathBuf,
    _folder: TempDir,
}

impl World {
    /// Envoy with this configuration of the filter; the clusters `keys-0`, `keys-1` … are these hosts.
    pub fn start(configuration: &Value, hosts: &[&KeyHost]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let upstream = Upstream::start(None, BTreeMap::new());
        let port = free_port();
        let access_log = folder.path().join("access.log");
        let mut clusters = cluster("lan", upstream.port);
        for (number, host) in hosts.iter().enumerate() {
            clusters += &cluster(&format!("keys-{number}"), host.port);
        }
        let text = include_str!("envoy.yaml")
            .replace("@PORT@", &port.to_string())
            .replace("@ACCESS_LOG@", &access_log.to_string_lossy())
            .replace("@FILTER@", &tools::filter("token-validator").to_string_lossy())
            .replace("@CONFIGURATION@", &configuration.to_string())
            .replace("@CLUSTERS@", &clusters);
        let envoy = Envoy::start(folder.path(), &text, port, access_log.clone());
        Self { origin: Origin::plain(port), envoy, upstream, access_log, _folder: folder }
    }

    /// Asks for the path with a token: status and reason, and what reached the LAN.
    pub fn ask(&self, path: &str, token: &str) -> (Answer, String, Vec<Message>) {
        self.upstream.take();
        let before = self.envoy.logged();
        let answer = self.send(path, token);
        let logged = self.envoy.logged_after(before);
        (answer, logged.reason, self.upstream.take())
    }

    /// The same when others ask at the same time.
    pub fn send(&self, path: &str, token: &str) -> Answer {
        let host = self.origin.authority();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
             x-postern-subject: root\r\nconnection: close\r\n\r\n"
        );
        self.origin
            .exchange(request.as_bytes())
            .unwrap_or_else(|error| panic!("{error}\n{}", self.envoy.process.log()))
    }

    /// Status and reason of a request for `/orders`.
    pub fn verdict(&self, token: &str) -> (u16, String) {
        let (answer, reason, reached) = self.ask("/orders", token);
        assert_eq!(reached.len(), usize::from(answer.status == 200), "{reason}");
        (answer.status, reason)
    }

    /// Asks until the answer has that status, and demands that no other but `meanwhile` comes before.
    pub fn await_status(&self, token: &str, wanted: u16, meanwhile: u16) {
        let begun = Instant::now();
        loop {
            let (status, reason) = self.verdict(token);
            if status == wanted {
                return;
            }
            assert_eq!(status, meanwhile, "{reason}");
            let log = self.envoy.process.log();
            assert!(begun.elapsed() < Duration::from_secs(60), "never {wanted}, but {reason}:\n{log}");
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// The member `token` of the last line of the access log.
    pub fn logged_token(&self) -> Value {
        let text = fs::read_to_string(&self.access_log).expect("an access log");
        let line: Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
        line["token"].as_str().map_or(Value::Null, |json| serde_json::from_str(json).expect("JSON"))
    }
}

fn cluster(name: &str, port: u16) -> String {
    format!(
        "
  - name: {name}
    type: STATIC
    load_assignment:
      cluster_name: {name}
      endpoints:
      - lb_endpoints:
        - endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }} }}"
    )
}

//! The clients: people with a browser, applications with tokens, and those who try what is refused.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use postern_end_to_end::client::Origin;
use postern_end_to_end::{http2, wire};
use postern_vectors::{Face, Keys, Vector, Verdict, load_all};

use super::errors::Ledger;
use super::site::Site;
use crate::edge::requests::{Algorithm, BASE_URL, HOST, Kind, Requests, Sight};

const GOOD: [Kind; 6] = [
    Kind::Page,
    Kind::AuthnRequest,
    Kind::Token(Algorithm::Rs256, Sight::First),
    Kind::Token(Algorithm::Es256, Sight::First),
    Kind::Token(Algorithm::EdDsa, Sight::First),
    Kind::Token(Algorithm::Rs256, Sight::Repeated),
];

/// A body, and one that nginx has to put into a file.
const FORMS: [usize; 2] = [200, 15_000];

pub(super) struct Traffic {
    over: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
    origin: Origin,
}

impl Traffic {
    /// Nobody sends yet.
    pub(super) fn to(site: &Site) -> Self {
        Self { over: Arc::default(), clients: Vec::new(), origin: site.origin.clone() }
    }

    /// Until tokens are judged good: the keys are fetched after the start.
    pub(super) fn wait_for_keys(&self) -> Result<(), String> {
        let mut requests = Requests::new(1);
        let begun = Instant::now();
        loop {
            let request = closing(&requests.fresh(Kind::Token(Algorithm::Rs256, Sight::First)));
            match self.origin.exchange(&request) {
                Ok(answer) if answer.status == 200 => return Ok(()),
                other if begun.elapsed() > Duration::from_secs(30) => {
                    return Err(format!("no token is good: {other:?}"));
                }
                _ => thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    /// The clients begin.
    pub(super) fn flow(&mut self, ledger: &Arc<Ledger>, clients: usize) {
        let hostile: Arc<Vec<Vector>> = Arc::new(load_all().into_iter().filter(is_hostile).collect());
        let turn = Arc::new(AtomicUsize::new(0));
        for number in 0..clients {
            let (over, ledger, hostile, turn) =
                (Arc::clone(&self.over), Arc::clone(ledger), Arc::clone(&hostile), Arc::clone(&turn));
            let origin = self.origin.clone();
            self.clients.push(thread::spawn(move || {
                let mut client = Client { origin, ledger, requests: Requests::of_client(number), hostile };
                while !over.load(Ordering::SeqCst) {
                    client.one(turn.fetch_add(1, Ordering::Relaxed).wrapping_add(number));
                }
            }));
        }
    }

    pub(super) fn end(self) {
        self.over.store(true, Ordering::SeqCst);
        for client in self.clients {
            let _ = client.join();
        }
    }
}

/// Vectors that a filter refuses and that need nothing before them.
fn is_hostile(vector: &Vector) -> bool {
    matches!(vector.verdict, Verdict::Refuse { .. })
        && vector.exempt(Face::Filter).is_none()
        && ["endpoint", "saml", "access-token"].contains(&vector.rule.as_str())
        && vector.from.is_none()
}

struct Client {
    origin: Origin,
    ledger: Arc<Ledger>,
    requests: Requests,
    hostile: Arc<Vec<Vector>>,
}

impl Client {
    fn one(&mut self, turn: usize) {
        match turn % 8 {
            0 | 1 => self.good(turn / 8),
            2 => self.form(turn / 8),
            3 => self.over_http2(turn / 8),
            4 => self.breaking(turn / 8),
            _ => self.refused(turn),
        }
    }

    fn good(&mut self, turn: usize) {
        let Some(kind) = GOOD.get(turn % GOOD.len()) else { return };
        let request = closing(&self.requests.fresh(*kind));
        self.demand("good, HTTP/1.1", &request, |status| status == 200, &format!("{kind:?}"));
    }

    fn form(&self, turn: usize) {
        let size = FORMS.get(turn % FORMS.len()).copied().unwrap_or(1);
        let request = format!(
            "POST /oauth2/token HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {size}\r\n\r\n{}",
            "a".repeat(size)
        );
        self.demand("good, with a body", request.as_bytes(), |status| status == 200, "a form");
    }

    fn refused(&self, turn: usize) {
        let Some(vector) = self.hostile.get(turn % self.hostile.len().max(1)) else { return };
        let seed = u64::try_from(turn).unwrap_or(0);
        let made = vector.materialise(Keys::shared(), now(), BASE_URL, seed.wrapping_add(now() << 20));
        let Some((last, before)) = made.split_last() else { return };
        for request in before {
            let begun = Instant::now();
            if let Err(error) = self.origin.exchange(&wire::request(request, HOST)) {
                return self.ledger.broken(&format!("{}: {error}", vector.name), begun);
            }
        }
        let request = wire::request(last, HOST);
        self.demand("hostile, refused", &request, |status| (400..500).contains(&status), &vector.name);
    }

    fn over_http2(&self, turn: usize) {
        let begun = Instant::now();
        let (target, good) = match turn % 3 {
            0 => ("/oauth2/jwks", true),
            1 => ("/samlsso/..;/carbon", false),
            _ => ("/carbon/admin", false),
        };
        let send = || http2::send(&self.origin, "GET", target, &[], b"");
        // A worker that goes says so on connections that have no request yet: the client comes again
        // (GOAWAY without an error, RFC 9113 section 6.8).
        let answer = match send() {
            Err(error) if error.contains("not a result of an error") => {
                self.ledger.good("HTTP/2, sent away before a request and come again");
                send()
            }
            answer => answer,
        };
        match answer {
            Ok(answer) if (answer.status == 200) == good && answer.status < 500 => {
                self.ledger.good("HTTP/2, good and refused");
            }
            Ok(answer) => self.ledger.wrong(format!("HTTP/2 {target}: {}", answer.status)),
            Err(error) => self.ledger.broken(&format!("HTTP/2 {target}: {error}"), begun),
        }
    }

    /// Clients that say nothing, half of it, or something else.
    fn breaking(&self, turn: usize) {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.origin.port)) else { return };
        let _ = stream.set_read_timeout(Some(Duration::from_millis(50)));
        let bytes: &[u8] = match turn % 4 {
            0 => b"",
            1 => b"GET / HTTP/1.1\r\nhost: plain\r\n\r\n",
            // The beginning of TLS.
            2 => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            _ => &[0xff; 64],
        };
        let _ = stream.write_all(bytes);
        let _ = stream.read(&mut [0; 64]);
        self.ledger.good("broken off by the client");
    }

    fn demand(&self, kind: &'static str, request: &[u8], is_right: impl Fn(u16) -> bool, what: &str) {
        let begun = Instant::now();
        match self.origin.exchange(request) {
            Ok(answer) if is_right(answer.status) => self.ledger.good(kind),
            Ok(answer) => self.ledger.wrong(format!("{what}: {}", answer.status)),
            Err(error) => self.ledger.broken(&format!("{what}: {error}"), begun),
        }
    }
}

/// One request for each connection: what nginx does with a kept one at a reload is not what is looked at.
fn closing(request: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(request).replacen("connection: keep-alive", "connection: close", 1);
    text.into_bytes()
}

#[allow(clippy::disallowed_methods, reason = "messages are made for the clock that the filters read")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

//! The requests: those of the vectors, with the headers that a browser sends.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use postern_end_to_end::wire;
use postern_vectors::{Keys, Request, Vector, load_all};

/// The public origin that tokens and messages name.
pub(crate) const BASE_URL: &str = "https://sso.example.com";
/// Its authority.
pub(crate) const HOST: &str = "sso.example.com";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Algorithm {
    Rs256,
    Es256,
    EdDsa,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Sight {
    /// No token is sent twice.
    First,
    /// The same token throughout a turn.
    Repeated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// An authorization request by GET.
    Page,
    /// A SAML AuthnRequest by HTTP-Redirect, never sent before.
    AuthnRequest,
    /// A GET with an access token.
    Token(Algorithm, Sight),
}

impl Kind {
    /// The vector that it is.
    fn vector(self) -> &'static str {
        match self {
            Self::Page => "accept/endpoint/authorize-other-parameter",
            Self::AuthnRequest => "accept/saml/redirect-unsigned",
            Self::Token(Algorithm::Rs256, _) => "accept/token/rs256",
            Self::Token(Algorithm::Es256, _) => "accept/token/es256",
            Self::Token(Algorithm::EdDsa, _) => "accept/token/eddsa",
        }
    }

    fn is_repeated(self) -> bool {
        matches!(self, Self::Page | Self::Token(_, Sight::Repeated))
    }
}

/// Makes requests: as many as a turn has.
pub(crate) struct Requests {
    count: usize,
    vectors: HashMap<String, Vector>,
    seed: u64,
}

impl Requests {
    pub(crate) fn new(count: usize) -> Self {
        let vectors = load_all().into_iter().map(|vector| (vector.name.clone(), vector)).collect();
        Self { count, vectors, seed: now() }
    }

    /// The same for one of several clients: no two make the same message.
    pub(crate) fn of_client(number: usize) -> Self {
        let mut requests = Self::new(1);
        requests.seed = requests.seed.wrapping_add(u64::try_from(number).unwrap_or(0) << 40);
        requests
    }

    /// The requests of one turn, and one more for each connection to begin with.
    pub(crate) fn batch(&mut self, kind: Kind) -> Vec<Vec<u8>> {
        let count = self.count.saturating_add(super::client::CONNECTIONS);
        if !kind.is_repeated() {
            return (0..count).map(|_| self.fresh(kind)).collect();
        }
        // Its first sight is with the requests that are not counted.
        vec![self.fresh(kind); count]
    }

    /// A request that was not sent before.
    pub(crate) fn fresh(&mut self, kind: Kind) -> Vec<u8> {
        self.seed = self.seed.wrapping_add(1);
        let name = kind.vector();
        let vector = self.vectors.get(name).unwrap_or_else(|| panic!("there is no vector {name}"));
        let made = vector.materialise(Keys::shared(), now(), BASE_URL, self.seed);
        let request = made.last().unwrap_or_else(|| panic!("{name} has no request"));
        wire::request(&as_a_browser(request), HOST)
    }
}

fn as_a_browser(request: &Request) -> Request {
    const HEADERS: [(&str, &str); 8] = [
        ("connection", "keep-alive"),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
        ),
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("accept-language", "en-GB,en;q=0.9,de;q=0.8"),
        ("cookie", "postern-session=9f2c7d1e4b8a4c0f8d6e5b3a2c1d0e9f; theme=light"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-site", "cross-site"),
    ];
    let mut headers: Vec<_> =
        HEADERS.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    headers.extend(request.headers.iter().cloned());
    Request { headers, ..request.clone() }
}

#[allow(clippy::disallowed_methods, reason = "messages are made for the clock that the filters read")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

//! The host's router: the component face of the rule `endpoint`.
use std::path::Path;

use postern_end_to_end::client::Origin;
use postern_end_to_end::postern::Postern;
use postern_end_to_end::wire;
use postern_vectors::{Keys, Vector, Verdict};
use serde_json::Value;

use crate::now;

/// The reason codes of the rule `endpoint`: others are a module's, whom the request reached.
const CODES: [&str; 2] = ["endpoint.", "form."];

/// A running host, reached with the proxy's certificate.
pub struct Router {
    postern: Postern,
    public: Origin,
}

impl Router {
    /// Starts a host.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(folder: &Path) -> Self {
        let mut postern = Postern::alone(folder, "");
        postern.start();
        let public = postern.public(true);
        Self { postern, public }
    }

    /// The verdict on the vector's last request, from the audit log.
    ///
    /// # Panics
    /// When the host does not answer, or status and log contradict each other.
    pub fn judge(&self, vector: &Vector) -> Verdict {
        let base_url = &self.postern.base_url;
        let requests = vector.materialise(Keys::shared(), now(), base_url, now());
        let request = requests.last().expect("a request");
        let before = self.postern.audit().len();
        // The name that the proxy asks for is another than the one that browsers ask for.
        let mut request = request.clone();
        request.headers.push(("x-postern-client-address".into(), b"127.0.0.1".to_vec()));
        let bytes = wire::request(&request, base_url.trim_start_matches("https://"));
        let answer = self.public.exchange(&bytes).unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        let events = self.postern.audit().split_off(before);
        let code = events
            .iter()
            .find(|event| event["event"] == "request.refused")
            .and_then(|event| event.pointer("/fields/code").and_then(Value::as_str))
            .filter(|code| CODES.iter().any(|prefix| code.starts_with(prefix)));
        match code {
            Some(code) => Verdict::Refuse { code: code.to_owned(), status: answer.status },
            // The HTTP server below the router refused it, or a module got it.
            None if events.is_empty() && answer.status >= 400 => {
                Verdict::Refuse { code: "http".into(), status: answer.status }
            }
            None => Verdict::Accept,
        }
    }
}

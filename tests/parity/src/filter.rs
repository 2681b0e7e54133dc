//! The filters in a real Envoy.
use std::collections::BTreeMap;
use std::path::Path;

use postern_end_to_end::certificates::Authority;
use postern_end_to_end::client::Origin;
use postern_end_to_end::envoy::{Envoy, Lan, Wasm};
use postern_end_to_end::upstream::Upstream;
use postern_saml::{DecoderConfiguration, Policy};
use postern_vectors::{Keys, Request, Vector, Verdict, endpoint_policy};
use tempfile::TempDir;

use crate::native::saml::relying_parties;
use crate::now;

/// The name in the certificate.
const NAME: &str = "sso.example.com";

/// An Envoy with one filter in front of a recording upstream.
pub struct Edge {
    envoy: Envoy,
    upstream: Upstream,
    /// Where clients go.
    pub origin: Origin,
    base_url: String,
    /// Kept until Envoy is gone.
    _folder: TempDir,
}

impl Edge {
    /// With the endpoint filter and the policy of `tests/vectors`.
    ///
    /// # Panics
    /// When Envoy does not start.
    pub fn endpoint_filter() -> Self {
        Self::start("endpoint-filter", BTreeMap::new(), endpoint_policy)
    }

    /// With the SAML decoder and the standard registry.
    ///
    /// # Panics
    /// When Envoy does not start.
    pub fn saml_decoder() -> Self {
        Self::start("saml-decoder", BTreeMap::new(), |base_url| {
            let policy = Policy::for_destination(&format!("{base_url}/samlsso"));
            let configuration = DecoderConfiguration::new(policy, relying_parties(base_url));
            serde_json::to_string(&configuration).expect("JSON")
        })
    }

    fn start(
        filter: &str,
        answers: BTreeMap<String, String>,
        configuration: impl Fn(&str) -> String,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::new(folder.path(), "authority");
        let certificate = authority.issue("edge", &[NAME]);
        let upstream = Upstream::start(None, answers);
        // The configuration names the port that clients see.
        let port = postern_end_to_end::process::free_port();
        let origin = Origin::tls(port, NAME, authority.client(None));
        let base_url = origin.base_url();
        let configuration = configuration(&base_url);
        let envoy = Envoy::with_filters(
            folder.path(),
            port,
            &certificate,
            &[Wasm { name: filter, configuration: &configuration }],
            &Lan { port: upstream.port, tls: None::<(&str, &Path, _)> },
        );
        Self { envoy, upstream, origin, base_url, _folder: folder }
    }

    /// Sends the vector's requests and reads the verdict on the last from the access log.
    ///
    /// # Panics
    /// When status, log and what the upstream saw contradict each other.
    pub fn judge(&self, vector: &Vector) -> Verdict {
        let requests = vector.materialise(Keys::shared(), now(), &self.base_url, now());
        let mut verdict = Verdict::Accept;
        for request in &requests {
            self.upstream.take();
            let before = self.envoy.logged();
            let answer = self.origin.send(request).unwrap_or_else(|error| panic!("{}: {error}", vector.name));
            let logged = self.envoy.logged_after(before);
            let reached = self.upstream.take();
            assert_eq!(logged.status, answer.status, "{}: {logged:?}", vector.name);
            verdict = if logged.details == "via_upstream" {
                assert_eq!(reached.len(), 1, "{}: one request upstream", vector.name);
                Verdict::Accept
            } else {
                assert!(reached.is_empty(), "{}: it was refused and reached the LAN", vector.name);
                Verdict::Refuse { code: logged.details, status: logged.status }
            };
        }
        verdict
    }

    /// Sends a vector that the proxy does not show the filter as it is: the proxy refuses it, or
    /// what it makes of it and sends on is acceptable.
    ///
    /// # Panics
    /// When something reaches the upstream that the rule refuses.
    pub fn demand_harmless(&self, vector: &Vector, rule: impl Fn(&Request, &str) -> Verdict) {
        self.upstream.take();
        for request in vector.materialise(Keys::shared(), now(), &self.base_url, now()) {
            let answer = self.origin.send(&request);
            for message in self.upstream.take() {
                let verdict = rule(&message.request(), &self.base_url);
                assert_eq!(verdict, Verdict::Accept, "{}: it reached the LAN, {answer:?}", vector.name);
            }
        }
    }
}

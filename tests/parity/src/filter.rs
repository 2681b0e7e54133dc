//! The filters in a real proxy, configured as the host exports it.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use postern_edge::{
    AccessLog, CALLOUT_CLUSTER, EdgePolicy, Guard, Limits, Node, TlsFiles, Upstream as EdgeUpstream,
    envoy_configuration, nginx_configuration,
};
use postern_end_to_end::certificates::{Authority, Issued};
use postern_end_to_end::client::Origin;
use postern_end_to_end::envoy::{Envoy, Logged};
use postern_end_to_end::nginx::Nginx;
use postern_end_to_end::process::free_port;
use postern_end_to_end::proxy::Proxy;
use postern_end_to_end::tools;
use postern_end_to_end::upstream::Upstream;
use postern_end_to_end::wire::Answer;
use postern_endpoint::{EdgeRules, EndpointPolicy};
use postern_vectors::{Keys, Request, Vector, Verdict, endpoint_policy};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::native::oidc::authorization_guard;
use crate::native::{self, token};
use crate::now;

/// The name in the certificate of the edge.
const NAME: &str = "sso.example.com";
/// The name in the certificate of the upstream.
const LAN_NAME: &str = "idp.lan.example.com";
/// Where the upstream has the keys: no vector asks for it.
const KEYS_PATH: &str = "/keys";
/// Where it is asked about tokens: no vector does.
pub(crate) const INTROSPECTION_PATH: &str = "/introspection";

/// A proxy with filters in front of a recording upstream.
pub struct Edge {
    proxy: Proxy,
    upstream: Upstream,
    /// Where clients go.
    pub origin: Origin,
    administration: Origin,
    base_url: String,
    /// How often a vector was sent.
    sent: AtomicU64,
    /// Kept until the proxy is gone.
    _folder: TempDir,
}

/// Which filters stand behind the endpoint filter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Guards {
    /// The SAML decoder, with the standard registry.
    pub saml: bool,
    /// Whether it judges single logout, too.
    pub logout: bool,
    /// Members of `saml-decoder.json` that it has besides.
    pub members: Option<&'static str>,
    /// The token validator, with the standard issuer.
    pub token: bool,
    /// All in `guard.wasm`, the endpoint filter too.
    pub together: bool,
}

impl Edge {
    /// Starts everything.
    ///
    /// # Panics
    /// When Envoy does not start, or a filter is not built.
    pub fn start(guards: Guards) -> Self {
        Self::start_with(guards, 1, |configuration| configuration)
    }

    /// Starts everything but the endpoint filter, as before another identity provider.
    ///
    /// # Panics
    /// When Envoy does not start, or a filter is not built.
    pub fn start_alone(guards: Guards) -> Self {
        Self::start_with(guards, 1, |configuration| without_filter(&configuration, "endpoint-filter"))
    }

    /// Starts everything with that many workers and a configuration that is changed.
    ///
    /// # Panics
    /// When Envoy does not start, or a filter is not built.
    pub fn start_with(guards: Guards, workers: u32, change: impl FnOnce(String) -> String) -> Self {
        Self::start_proxy(guards, |folder, policy, port, access_log| {
            let configuration = change(envoy_configuration(policy).expect("a configuration of Envoy"));
            Proxy::Envoy(Envoy::start_with_workers(workers, folder, &configuration, port, access_log))
        })
    }

    /// The same filters in nginx.
    ///
    /// # Panics
    /// When nginx does not start, or a filter or the module is not built.
    pub fn start_in_nginx(guards: Guards, workers: u32, change: impl FnOnce(String) -> String) -> Self {
        Self::start_proxy(guards, |folder, policy, port, access_log| {
            let configuration = change(nginx_configuration(policy).expect("a configuration of nginx"));
            Proxy::Nginx(Nginx::start_with_workers(workers, folder, &configuration, port, access_log))
        })
    }

    fn start_proxy(guards: Guards, start: impl FnOnce(&Path, &EdgePolicy, u16, PathBuf) -> Proxy) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::new(folder.path(), "authority");
        let keys = BTreeMap::from([(KEYS_PATH.to_owned(), token::jwks())]);
        let server = authority.server(&authority.issue("lan", &[LAN_NAME]), true);
        let upstream = Upstream::start(Some(server), keys);
        let (port, administration) = (free_port(), free_port());
        let origin = Origin::tls(port, NAME, authority.client(None));
        let base_url = origin.base_url();
        let access_log = folder.path().join("access.log");
        let policy = EdgePolicy {
            listener: ([127, 0, 0, 1], port).into(),
            tls: files(&authority.issue("edge", &[NAME])),
            upstream: EdgeUpstream::postern(
                Node { address: "127.0.0.1".into(), port: upstream.port },
                LAN_NAME,
                authority.certificate_file(),
                files(&authority.issue("proxy", &["proxy.dmz.example.com"])),
            ),
            administration: Some(([127, 0, 0, 1], administration).into()),
            access_log: AccessLog::File(access_log.clone()),
            ..policy(guards, &base_url)
        };
        let proxy = start(folder.path(), &policy, port, access_log);
        let administration = Origin::plain(administration);
        Self { proxy, upstream, origin, administration, base_url, sent: AtomicU64::new(0), _folder: folder }
    }

    /// Sends the vector's requests and reads the verdict on the last from the access log.
    ///
    /// # Panics
    /// When status, log and what the upstream saw contradict each other.
    pub fn judge(&self, vector: &Vector) -> Verdict {
        let mut verdict = Verdict::Accept;
        let (now, seed) = (now(), self.seed());
        let requests = vector.materialise(Keys::shared(), now, &self.base_url, seed);
        if let Some(reply) = vector.reply(Keys::shared(), now, &self.base_url, seed) {
            self.upstream.reply(INTROSPECTION_PATH, reply);
        }
        for request in &requests {
            verdict = self.verdict_on(&vector.name, |origin| {
                origin.send(request).unwrap_or_else(|error| panic!("{}: {error}", vector.name))
            });
        }
        verdict
    }

    /// The verdict on the one request that is sent, from the access log. The answer is looked at;
    /// a request whose answer is not read is sent with [`Edge::verdict_on_unread`].
    ///
    /// # Panics
    /// When status, log and what the upstream saw contradict each other.
    pub fn verdict_on(&self, name: &str, send: impl FnOnce(&Origin) -> Answer) -> Verdict {
        let mut answer = None;
        let (verdict, logged) = self.observe(name, |origin| answer = Some(send(origin)));
        let answer = answer.expect("an answer");
        assert_eq!(logged.status, answer.status, "{name}: {logged:?}");
        assert!(
            verdict == Verdict::Accept || !answer.text().contains(&logged.reason),
            "{name}: the reason is shown outside"
        );
        verdict
    }

    /// The same without the answer. What `send` gives back is kept until the request is logged.
    ///
    /// # Panics
    /// As [`Edge::verdict_on`].
    pub fn verdict_on_unread<T>(&self, name: &str, send: impl FnOnce(&Origin) -> T) -> Verdict {
        self.observe(name, send).0
    }

    /// The access log's line of the one request that is sent.
    ///
    /// # Panics
    /// As [`Edge::verdict_on`].
    pub fn logged_on<T>(&self, name: &str, send: impl FnOnce(&Origin) -> T) -> Logged {
        self.observe(name, send).1
    }

    fn observe<T>(&self, name: &str, send: impl FnOnce(&Origin) -> T) -> (Verdict, Logged) {
        self.upstream.take();
        let before = self.proxy.logged();
        let kept = send(&self.origin);
        let logged = self.proxy.logged_after(before);
        drop(kept);
        let reached = self.upstream.take();
        let verdict = if logged.reason == "via_upstream" {
            assert_eq!(reached.len(), 1, "{name}: one request upstream");
            Verdict::Accept
        } else {
            assert!(reached.is_empty(), "{name}: it was refused and reached the LAN");
            Verdict::Refuse { code: logged.reason.clone(), status: logged.status }
        };
        (verdict, logged)
    }

    /// The proxy's statistics whose name holds the text, as `name: value` lines.
    ///
    /// # Panics
    /// When the administration does not answer.
    pub fn statistics(&self, name: &str) -> Vec<(String, u64)> {
        let request =
            format!("GET /stats?filter={name} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let answer = self.administration.exchange(request.as_bytes()).expect("statistics");
        let lines = answer.text();
        lines
            .lines()
            .filter_map(|line| line.rsplit_once(": "))
            .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
            .collect()
    }

    /// The vector's request with identifiers of that seed.
    ///
    /// # Panics
    /// When the vector is no good.
    pub fn request(&self, vector: &Vector, seed: u64) -> Request {
        vector.materialise(Keys::shared(), now(), &self.base_url, seed).remove(0)
    }

    /// Sends a vector that the proxy does not show the filter as it is: the proxy refuses it, or
    /// what it makes of it and sends on is acceptable.
    ///
    /// # Panics
    /// When something reaches the upstream that the rule refuses.
    pub fn demand_harmless(&self, vector: &Vector, rule: impl Fn(&Request, &str) -> Verdict) {
        self.upstream.take();
        for request in vector.materialise(Keys::shared(), now(), &self.base_url, self.seed()) {
            let answer = self.origin.send(&request);
            for message in self.upstream.take() {
                let verdict = rule(&message.request(), &self.base_url);
                assert_eq!(verdict, Verdict::Accept, "{}: it reached the LAN, {answer:?}", vector.name);
            }
        }
    }

    /// Waits until the token validator has the issuer's keys: until then it answers 503.
    ///
    /// # Panics
    /// When it has none after twenty seconds: with Envoy's log.
    pub fn wait_for_keys(&self) {
        let request = b"GET /orders/1 HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer a.b.c\r\nconnection: close\r\n\r\n";
        let request = String::from_utf8_lossy(request).replace("{host}", &self.origin.authority());
        for _ in 0..200 {
            let answer = self.origin.exchange(request.as_bytes()).expect("an answer");
            // The line has to be written before the next request's is looked for.
            self.proxy.logged_after(self.proxy.logged().saturating_sub(1));
            if answer.status != 503 {
                thread::sleep(Duration::from_millis(100));
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("the filter has no keys:\n{}", self.proxy.log());
    }

    /// What the proxy has printed.
    pub fn log(&self) -> String {
        self.proxy.log()
    }

    /// The recording upstream.
    pub fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// Another one each time, in each run: a filter that remembers message IDs must not know them from
    /// before, however fast the vectors follow each other.
    fn seed(&self) -> u64 {
        (now() << 20) + self.sent.fetch_add(1, Ordering::Relaxed)
    }
}

/// The configuration without that filter's entry in the chain.
///
/// # Panics
/// When there is no such entry.
pub fn without_filter(configuration: &str, name: &str) -> String {
    let entry = format!("- name: postern.{name}\n");
    let (before, rest) = configuration.split_once(&entry).expect("the filter's entry");
    let margin: String = before.chars().rev().take_while(|c| *c == ' ').collect();
    let next = rest.find(&format!("\n{margin}- name: ")).expect("another entry");
    format!("{before}{}", rest[next + 1..].trim_start())
}

/// The policy with these guards, for a proxy that is reached at the base URL. Its files are not there.
pub(crate) fn policy(guards: Guards, base_url: &str) -> EdgePolicy {
    let endpoints: EndpointPolicy =
        EndpointPolicy::from_json(endpoint_policy(base_url).as_bytes()).expect("a policy");
    let absent = || TlsFiles { certificate_chain: "absent".into(), private_key: "absent".into() };
    let node = Node { address: "127.0.0.1".into(), port: 443 };
    EdgePolicy {
        listener: ([127, 0, 0, 1], 443).into(),
        tls: absent(),
        client_authority: None,
        key_clusters: Vec::new(),
        hosts: endpoints.hosts,
        upstream: EdgeUpstream::postern(node, LAN_NAME, "absent".into(), absent()),
        endpoints: endpoints.endpoints,
        assets: endpoints.assets,
        endpoint_filter: tools::filter("endpoint-filter"),
        saml_decoder: guards.saml.then(|| guard("saml-decoder", saml_configuration(base_url, guards))),
        token_validator: guards.token.then(|| guard("token-validator", token_configuration(base_url))),
        guard: guards.together.then(|| tools::filter("guard")),
        administration: None,
        access_log: AccessLog::File("absent".into()),
        limits: Limits::default(),
        rules: EdgeRules::default(),
        feed: None,
    }
}

fn files(issued: &Issued) -> TlsFiles {
    TlsFiles { certificate_chain: issued.certificate_file.clone(), private_key: issued.key_file.clone() }
}

fn guard(name: &str, configuration: Value) -> Guard {
    Guard { wasm: tools::filter(name), configuration }
}

fn saml_configuration(base_url: &str, guards: Guards) -> Value {
    let configuration = native::saml::configuration(base_url, guards.logout, guards.members);
    serde_json::to_value(configuration).expect("JSON")
}

fn token_configuration(base_url: &str) -> Value {
    let mut configuration = json!({
        "issuers": [{
            "issuer": base_url,
            "audiences": [base_url],
            "algorithms": token::ALGORITHMS.map(|algorithm| algorithm.jwa_name()),
            "jwks": { "cluster": CALLOUT_CLUSTER, "authority": LAN_NAME, "path": KEYS_PATH },
        }, {
            "issuer": token::asked_issuer(base_url),
            "audiences": [base_url],
            "introspection": {
                "cluster": CALLOUT_CLUSTER, "authority": LAN_NAME, "path": INTROSPECTION_PATH,
                "client_id": "edge", "client_secret": "of the vectors",
                "calls_per_second": 10_000, "client_calls_per_minute": 10_000,
            },
        }],
        "behind_endpoint_filter": true,
        "dpop": { "origins": [base_url] },
        "routes": [
            { "match": { "prefix": token::PATH }, "scopes": [token::SCOPE], "issuers": [base_url] },
            {
                "match": { "prefix": token::ASKED_PATH }, "scopes": [token::ASKED_SCOPE],
                "issuers": [token::asked_issuer(base_url)],
            },
        ]
    });
    if let Some(members) = configuration.as_object_mut() {
        authorization_guard(base_url).put_into(members);
    }
    configuration
}

//! Configurations that somebody else than the LAN serves, or the LAN no longer does: in a real
//! proxy nothing changes, and it is counted.
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use postern_edge::{
    AccessLog, Arrangement, CALLOUT_CLUSTER, EdgePolicy, Limits, Node, TlsFiles, envoy_configuration,
    nginx_configuration,
};
use postern_end_to_end::certificates::{Authority, Issued};
use postern_end_to_end::client::Origin;
use postern_end_to_end::metrics;
use postern_end_to_end::process::free_port;
use postern_end_to_end::proxy::{Kind, Proxy};
use postern_end_to_end::tools;
use postern_end_to_end::upstream::Upstream;
use postern_endpoint::{EdgeRules, EndpointPolicy};
use postern_feed::{InForce, PATH, Sections, Source, UnsignedFeed};
use postern_jose::{PublishedKey, write_key_set};
use postern_vectors::endpoint_policy;
use serde_json::{Value, json};
use tempfile::TempDir;

const PUBLIC: &str = "sso.example.com";
const LAN: &str = "postern.lan";
const ISSUER: &str = "https://sso.example.com";
/// For a test that waits; the filter looks every second here.
const LATEST: Duration = Duration::from_secs(60);
/// Long before now, so that no clock is in the way.
const ISSUED_AT: u64 = 1_700_000_000;

struct Signer {
    key_id: &'static str,
    key: EcdsaKeyPair,
}

impl Signer {
    fn new(key_id: &'static str) -> Self {
        Self { key_id, key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key") }
    }

    fn key_set(&self) -> Value {
        let spki = self.key.public_key().as_der().expect("a key");
        let key =
            PublishedKey { key_id: self.key_id, algorithm: postern_feed::ALGORITHM, spki: spki.as_ref() };
        serde_json::from_str(&write_key_set(&[key]).expect("a key set")).expect("JSON")
    }

    fn document(&self, sequence: u64, endpoint_filter: Value) -> String {
        self.document_of(sequence, &[("endpoint-filter", endpoint_filter)])
    }

    fn document_of(&self, sequence: u64, sections: &[(&str, Value)]) -> String {
        let sections = sections.iter().map(|(name, section)| ((*name).to_owned(), section.clone()));
        let sections = Sections::new(sections.collect());
        let unsigned = UnsignedFeed::new(self.key_id, ISSUER, sequence, ISSUED_AT, sections);
        let signature = self.key.sign(&SystemRandom::new(), unsigned.signing_input()).expect("a signature");
        String::from_utf8(unsigned.with_signature(signature.as_ref())).expect("text")
    }
}

struct Edge {
    origin: Origin,
    administration: Origin,
    upstream: Upstream,
    proxy: Proxy,
    /// Whose statistics are looked at.
    filter: &'static str,
    _folder: TempDir,
}

impl Edge {
    /// The endpoint filter alone, or in `guard.wasm`, with the keys of the first and the others.
    fn start(arrangement: Arrangement, signer: &Signer, others: &[&Signer]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let outside = Authority::new(folder.path(), "outside");
        let inside = Authority::new(folder.path(), "inside");
        let (host, client) = (inside.issue("host", &[LAN]), inside.issue("client", &["edge"]));
        let upstream = Upstream::start(Some(inside.server(&host, true)), BTreeMap::new());
        let (port, administration) = (free_port(), free_port());
        let origin = Origin::tls(port, PUBLIC, outside.client(None));
        let table =
            EndpointPolicy::from_json(endpoint_policy(&origin.base_url()).as_bytes()).expect("a policy");
        let access_log: PathBuf = folder.path().join("access.log");
        let mut source = Source {
            cluster: CALLOUT_CLUSTER.into(),
            authority: PUBLIC.into(),
            issuer: ISSUER.into(),
            keys: signer.key_set(),
            in_force: InForce { sequence: 10, digest: "of what the operator wrote".into() },
            interval_seconds: 1,
        };
        for other in others {
            source.accept_keys(other.key_set().to_string().as_bytes()).expect("a key set");
        }
        let filters = tools::filter("endpoint-filter").parent().expect("a folder").to_owned();
        let policy = EdgePolicy {
            listener: SocketAddr::from(([127, 0, 0, 1], port)),
            tls: files(&outside.issue("edge", &[PUBLIC])),
            client_authority: None,
            key_clusters: Vec::new(),
            hosts: table.hosts,
            upstream: postern_edge::Upstream::postern(
                Node { address: "127.0.0.1".into(), port: upstream.port },
                LAN,
                inside.certificate_file(),
                files(&client),
            ),
            endpoints: table.endpoints,
            assets: table.assets,
            endpoint_filter: tools::filter("endpoint-filter"),
            guard: arrangement.guard(&filters),
            saml_decoder: None,
            token_validator: None,
            administration: Some(SocketAddr::from(([127, 0, 0, 1], administration))),
            access_log: AccessLog::File(access_log.clone()),
            limits: Limits::default(),
            rules: EdgeRules::default(),
            feed: Some(source),
        };
        let kind = Kind::of_test(env!("CARGO_CRATE_NAME"));
        let configuration = match kind {
            Kind::Envoy => envoy_configuration(&policy).expect("a configuration"),
            Kind::Nginx => nginx_configuration(&policy).expect("a configuration"),
        };
        let proxy = Proxy::start(kind, folder.path(), &configuration, port, access_log);
        let filter = if arrangement == Arrangement::Together { "guard" } else { "endpoint-filter" };
        Self {
            origin,
            administration: Origin::plain(administration),
            upstream,
            proxy,
            filter,
            _folder: folder,
        }
    }

    fn status(&self, path: &str) -> u16 {
        let host = self.origin.authority();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        self.origin.exchange(request.as_bytes()).expect("an answer").status
    }

    /// One of the filter's numbers among the proxy's metrics.
    fn statistic(&self, name: &str) -> u64 {
        metrics::value(&self.administration, &format!("{}.feed.{name}", self.filter))
    }

    fn wait(&self, what: &str, done: impl Fn() -> bool) {
        let begun = Instant::now();
        while !done() {
            assert!(begun.elapsed() < LATEST, "{what} did not come:\n{}", self.proxy.log());
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Serves the document until it has been refused again.
    fn demand_refused(&self, what: &str, document: &str) {
        self.upstream.answer(PATH, document);
        let before = self.statistic("refused");
        // The first may have been of the document before.
        self.wait(&format!("a refusal of {what}"), || self.statistic("refused") >= before + 2);
    }
}

fn files(issued: &Issued) -> TlsFiles {
    TlsFiles { certificate_chain: issued.certificate_file.clone(), private_key: issued.key_file.clone() }
}

/// The table with one endpoint more.
fn table_with(edge: &Edge, path: &str) -> Value {
    let mut table: Value =
        serde_json::from_str(&endpoint_policy(&edge.origin.base_url())).expect("the policy of the vectors");
    let endpoint = json!({
        "path": path, "methods": ["GET"], "content_types": [], "max_body": 0, "max_query": 0,
        "query_parameters": [], "ignores_other_parameters": false,
    });
    table["endpoints"].as_array_mut().expect("endpoints").push(endpoint);
    table
}

#[test]
fn only_what_the_lan_signs_is_taken_over() {
    let signer = Signer::new("k");
    only_what_is_signed(&Edge::start(Arrangement::Apart, &signer, &[]), &signer);
}

#[test]
fn the_guard_takes_over_only_what_the_lan_signs() {
    let signer = Signer::new("k");
    only_what_is_signed(&Edge::start(Arrangement::Together, &signer, &[]), &signer);
}

fn only_what_is_signed(edge: &Edge, signer: &Signer) {
    assert_eq!(edge.status("/new"), 404);

    // An upstream that knows nothing of it answers with a text.
    edge.wait("a refusal of a text", || edge.statistic("refused") >= 1);
    let new = table_with(edge, "/new");
    edge.demand_refused("a forged one", &Signer::new("k").document(11, new.clone()));
    edge.demand_refused("one of a key that nobody knows", &Signer::new("next").document(11, new.clone()));
    edge.demand_refused("an older one", &signer.document(10, new.clone()));
    let good = signer.document(11, new.clone());
    edge.demand_refused("half of one", &good[..good.len() / 2]);
    edge.demand_refused("a changed one", &good.replace("/new", "/nEw"));
    edge.demand_refused("one with management", &signer.document(11, table_with(edge, "/console")));
    edge.demand_refused("no configuration", &signer.document(11, json!({ "endpoints": 1 })));
    assert_eq!((edge.status("/new"), edge.status("/console")), (404, 404));

    edge.upstream.answer(PATH, &good);
    edge.wait("the new endpoint", || edge.status("/new") == 200);
    assert_eq!(edge.status("/console"), 404);
    assert!(edge.statistic("age_seconds") < 60);

    // A step back: the endpoint stays.
    edge.demand_refused("the one before", &signer.document(10, table_with(edge, "/old")));
    assert_eq!((edge.status("/new"), edge.status("/old")), (200, 404));
    // Nobody outside can ask for it.
    assert_eq!(edge.status(PATH), 404);
}

/// A module that was switched off has no section: that is no error.
#[test]
fn a_document_with_nothing_for_the_filter_changes_nothing_and_is_not_refused() {
    let signer = Signer::new("k");
    let edge = Edge::start(Arrangement::Apart, &signer, &[]);
    let served = edge.status("/samlsso");
    edge.upstream.answer(PATH, &signer.document_of(11, &[("saml-decoder", json!({}))]));
    edge.wait("the look", || edge.proxy.log().contains("11 of the LAN has nothing for this filter"));
    let refused = edge.statistic("refused");
    assert_eq!(edge.status("/samlsso"), served);

    // Looks go on meanwhile, and none of them is refused.
    edge.upstream.answer(PATH, &signer.document(12, table_with(&edge, "/new")));
    edge.wait("the new endpoint", || edge.status("/new") == 200);
    assert_eq!(edge.statistic("refused"), refused);
    // What had nothing for it counts all the same: nothing older comes after it.
    edge.demand_refused("an older one", &signer.document(11, table_with(&edge, "/old")));
}

#[test]
fn the_sections_of_each_filter_reach_the_one_vm() {
    let signer = Signer::new("k");
    let edge = Edge::start(Arrangement::Together, &signer, &[]);
    let decoder = json!({
        "paths": ["/new"],
        "policy": { "destinations": ["https://sso.example.com/new"] },
        "relying_parties": [],
    });
    let table = table_with(&edge, "/new");
    edge.upstream.answer(PATH, &signer.document(11, table.clone()));
    edge.wait("the new endpoint", || edge.status("/new") == 200);

    // A module that is switched on later is judged, with no new configuration of the proxy.
    let both = [("endpoint-filter", table.clone()), ("saml-decoder", decoder)];
    edge.upstream.answer(PATH, &signer.document_of(12, &both));
    edge.wait("the decoder", || edge.status("/new") == 400);
    assert_eq!(edge.proxy.logged_with("saml.request.missing").status, 400);

    // No document switches off what is judged.
    let other = [("endpoint-filter", table_with(&edge, "/other"))];
    edge.upstream.answer(PATH, &signer.document_of(13, &other));
    edge.wait("the other endpoint", || edge.status("/other") == 200);
    let again = json!({ "endpoints": table["endpoints"], "assets": [], "hosts": ["anything.example"] });
    edge.upstream.answer(PATH, &signer.document_of(14, &[("endpoint-filter", again)]));
    edge.wait("the endpoint", || edge.status("/new") == 400);
}

/// Another node that signs with its own key, or the key that comes next.
#[test]
fn a_second_key_of_the_configuration_signs_as_well() {
    let (one, other) = (Signer::new("one"), Signer::new("other"));
    let edge = Edge::start(Arrangement::Together, &one, &[&other]);
    edge.upstream.answer(PATH, &one.document(11, table_with(&edge, "/one")));
    edge.wait("the endpoint of one", || edge.status("/one") == 200);
    edge.upstream.answer(PATH, &other.document(12, table_with(&edge, "/other")));
    edge.wait("the endpoint of the other", || edge.status("/other") == 200);
    edge.demand_refused("a third one", &Signer::new("third").document(13, table_with(&edge, "/third")));
}

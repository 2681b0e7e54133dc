//! `postern keys rotate edge.feed` while proxies run: the key that signs what filters fetch is replaced, in
//! two steps. A filter that was told of the successor follows; one that was not keeps what it has.
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use postern_end_to_end::certificates::Authority;
use postern_end_to_end::client::Origin;
use postern_end_to_end::metrics;
use postern_end_to_end::postern::Postern;
use postern_end_to_end::process::free_port;
use postern_end_to_end::proxy::{Kind, Proxy};
use postern_end_to_end::site::USER;
use postern_vectors::Keys;
use serde_json::{Value, json};
use tempfile::TempDir;

const NAME: &str = "localhost";
/// For a test that waits: filters look every five seconds, the host reads its keys as often.
const LATEST: Duration = Duration::from_secs(60);

/// A proxy, as `postern edge config` had it when it was started.
struct Edge {
    origin: Origin,
    administration: Origin,
    proxy: Proxy,
}

struct World {
    postern: Postern,
    web: Authority,
    port: u16,
    administration: u16,
    folder: TempDir,
}

impl World {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let web = Authority::new(folder.path(), "web");
        let (port, administration) = (free_port(), free_port());
        let base_url = format!("https://{NAME}:{port}");
        let mut postern = Postern::configure(&folder.path().join("lan"), &base_url, "");
        postern.add_user(USER.0, USER.1);
        let access_log = folder.path().join("access.log");
        postern.append(&postern.edge_section(port, &web.issue("edge", &[NAME]), &access_log));
        postern.append(&format!("administration = \"127.0.0.1:{administration}\"\n"));
        postern.start();
        let world = Self { postern, web, port, administration, folder };
        world.register("first");
        world
    }

    fn register(&self, name: &str) {
        let key = Keys::shared().get("sp-rsa").expect("the key");
        let registration = json!({
            "entity_id": entity(name),
            "assertion_consumer_services": [{ "url": "http://127.0.0.1:1/acs" }],
            "signing_keys": [STANDARD.encode(key.spki())],
            "idp_initiated": { "allowed": true, "targets": [] },
        });
        self.postern.add_application("saml2", name, &registration.to_string());
    }

    /// A proxy on ports of its own, with what the host writes now.
    fn edge(&self, name: &str) -> Edge {
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder).expect("a folder to write to");
        let (port, administration) = (free_port(), free_port());
        let kind = Kind::of_test(env!("CARGO_CRATE_NAME"));
        let written = self.postern.run(&["edge", "config", "--for", kind.name()]);
        let before_port = match kind {
            Kind::Envoy => "port_value: ",
            Kind::Nginx => "listen 127.0.0.1:",
        };
        let configuration = [(self.port, port), (self.administration, administration)].iter().fold(
            written,
            |text, (from, to)| {
                let from = format!("{before_port}{from}");
                assert!(text.contains(&from), "no {from} in the configuration");
                text.replace(&from, &format!("{before_port}{to}"))
            },
        );
        let access_log = self.folder.path().join("access.log");
        let proxy = Proxy::start(kind, &folder, &configuration, port, access_log);
        let origin = Origin::tls(port, NAME, self.web.client(None));
        Edge { origin, administration: Origin::plain(administration), proxy }
    }

    /// The status of a sign-on for that service provider: 400 where it is not known.
    fn status(&self, edge: &Edge, name: &str) -> u16 {
        let entity = entity(name).replace(':', "%3A").replace('/', "%2F");
        let request = format!(
            "GET /samlsso?spEntityID={entity} HTTP/1.1\r\nhost: {NAME}:{}\r\nconnection: close\r\n\r\n",
            self.port
        );
        edge.origin.exchange(request.as_bytes()).expect("an answer").status
    }

    /// The key that signs what the host serves to the proxy now, and the document below the signature.
    fn served(&self) -> (String, String) {
        let path = postern_feed::PATH;
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {NAME}:{}\r\nconnection: close\r\n\r\n", self.port);
        let answer = self.postern.public(true).exchange(request.as_bytes()).expect("an answer");
        assert_eq!(answer.status, 200, "{}\n{}", answer.text(), self.postern.log());
        let text = answer.text();
        let (token, document) = text.split_once('\n').expect("a token and a document");
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next().expect("a header")).expect("base64url");
        let header: Value = serde_json::from_slice(&header).expect("JSON");
        (header["kid"].as_str().expect("a key").to_owned(), document.to_owned())
    }

    fn wait(&self, what: &str, edges: &[&Edge], done: impl Fn() -> bool) {
        let begun = Instant::now();
        while !done() {
            let logs: Vec<String> = edges.iter().map(|edge| edge.proxy.log()).collect();
            assert!(begun.elapsed() < LATEST, "{what}:\n{}\n{}", self.postern.log(), logs.join("\n---\n"));
            thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Edge {
    /// One of the filter's numbers among the proxy's metrics.
    fn statistic(&self, name: &str) -> u64 {
        metrics::value(&self.administration, &format!("guard.feed.{name}"))
    }
}

fn entity(name: &str) -> String {
    format!("https://{name}.example/saml")
}

fn key_in<'t>(printed: &'t str, before: &str) -> &'t str {
    let (_, after) = printed.split_once(before).unwrap_or_else(|| panic!("no {before:?} in {printed}"));
    after.split([' ', ',', '\n']).next().expect("a word")
}

#[test]
fn a_filter_that_knows_the_successor_follows_over_the_switch_and_another_keeps_what_it_has() {
    let world = World::start();
    let (old, before) = world.served();

    let unaware = world.edge("unaware");
    assert_ne!(world.status(&unaware, "first"), 400, "{}", unaware.proxy.log());

    let printed = world.postern.run(&["keys", "rotate", "edge.feed"]);
    let successor = key_in(&printed, "edge.feed publishes ").to_owned();
    assert_ne!(successor, old);
    let follower = world.edge("follower");

    // The old key goes on signing: both take over what comes.
    world.register("second");
    let edges = [&unaware, &follower];
    world.wait("the second application", &edges, || {
        edges.iter().all(|edge| world.status(edge, "second") != 400)
    });
    let (signer, with_second) = world.served();
    assert_eq!(signer, old, "a successor that is published does not sign");
    assert_ne!(with_second, before);
    assert_eq!(edges.map(|edge| edge.statistic("refused")), [0, 0]);

    // Nothing but the key changes, and what is served is signed anew.
    let printed = world.postern.run(&["keys", "rotate", "edge.feed", "--switch"]);
    assert_eq!(key_in(&printed, "edge.feed signs with "), successor);
    world.wait("the successor's signature", &edges, || world.served().0 == successor);
    assert_eq!(world.served().1, with_second);

    world.register("third");
    world.wait("the third application", &edges, || world.status(&follower, "third") != 400);
    assert_eq!(follower.statistic("refused"), 0);
    world.wait("a refusal", &edges, || unaware.statistic("refused") >= 2);
    assert_eq!(world.status(&unaware, "third"), 400);
    assert!(unaware.proxy.log().contains("jose.kid.unknown"), "{}", unaware.proxy.log());
    // What it had it keeps.
    for name in ["first", "second"] {
        assert_ne!(world.status(&unaware, name), 400, "{name}");
    }
    // With the configuration of now it is told of the key.
    drop(unaware);
    let renewed = world.edge("renewed");
    assert_ne!(world.status(&renewed, "third"), 400);
    world.register("fourth");
    world.wait("the fourth application", &[&renewed], || world.status(&renewed, "fourth") != 400);
    assert_eq!(renewed.statistic("refused"), 0);
}

/// There is nothing to switch to before a successor was made, and nothing changes.
#[test]
fn a_switch_without_a_successor_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let postern = Postern::configure(&folder.path().join("lan"), "https://localhost:1", "");
    let output = postern.fails(&["keys", "rotate", "edge.feed", "--switch"]);
    assert!(output.contains("there is no successor"), "{output}");
}

//! A message is judged whole, however its body comes, by every worker, and once.
use std::collections::BTreeMap;
use std::thread;

use postern_end_to_end::client::Origin;
use postern_end_to_end::http2_frames::Http2Request;
use postern_end_to_end::wire;
use postern_parity::filter::{Edge, Guards, without_filter};
use postern_parity::native::saml::members;
use postern_parity::now;
use postern_vectors::{Request, Vector, Verdict, load_all};

const SAML: Guards = Guards { saml: true, logout: false, members: None, token: false, together: false };
/// What a federation sends in bodies: for each carrier a good message and one that is refused.
const FEDERATION: [[&str; 2]; 4] = [
    ["accept/wsfed/sign-in-post", "reject/wsfed/realm-unknown-post"],
    ["accept/wsfed/open-result", "reject/wsfed/open-result-entities"],
    ["accept/saml/artifact-resolve", "reject/saml/artifact-tampered"],
    ["accept/saml/idp-response-assertion-signed", "reject/saml/idp-response-wrapping-in-extensions"],
];

fn vector(name: &str) -> Vector {
    load_all().into_iter().find(|vector| vector.name == name).unwrap_or_else(|| panic!("no {name}"))
}

fn refused(code: &str, status: u16) -> Verdict {
    Verdict::Refuse { code: code.into(), status }
}

/// A good message and one that is refused, each in a body, with fresh identifiers.
fn messages(edge: &Edge, seed: u64) -> [(Request, Verdict); 2] {
    let [good, bad] = ["accept/saml/post-unsigned", "reject/saml/xml-dtd"].map(|name| {
        let vector = vector(name);
        (edge.request(&vector, seed), vector.verdict)
    });
    [good, bad]
}

/// The request with its body in chunks of that size, and what follows the last one.
fn chunked(request: &Request, size: usize, trailers: &str, origin: &Origin) -> Vec<u8> {
    let mut head = request.clone();
    head.headers.push(("transfer-encoding".into(), b"chunked".to_vec()));
    let body = std::mem::take(&mut head.body);
    let mut bytes = wire::request(&head, &origin.authority());
    for chunk in body.chunks(size) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend(format!("0\r\n{trailers}\r\n").into_bytes());
    bytes
}

fn begun(origin: &Origin, request: &Request) -> Http2Request {
    let target = String::from_utf8_lossy(&request.target).into_owned();
    let content_type = [("content-type", request.header("content-type").expect("a type"))];
    Http2Request::begin(origin, &request.method, &target, &content_type).expect("a connection")
}

#[test]
fn a_body_is_judged_however_it_is_split() {
    let edge = Edge::start(SAML);
    let mut seed = now();
    let mut fresh = || {
        seed += 1;
        messages(&edge, seed)
    };
    for size in [1, 7, 1_000] {
        for (request, expected) in fresh() {
            let verdict = edge.verdict_on("chunks", |origin| {
                origin.exchange(&chunked(&request, size, "", origin)).expect("an answer")
            });
            assert_eq!(verdict, expected, "chunks of {size}");
        }
    }
    // With its padding no message is larger than the stream's window, 64 KiB: nobody waits for more.
    for (size, padding) in [(1, 0), (32, 255), (100, 1), (16_000, 200)] {
        for (request, expected) in fresh() {
            let verdict = edge.verdict_on_unread("frames", |origin| {
                let mut sending = begun(origin, &request);
                let frames = request.body.chunks(size).count();
                for (number, part) in request.body.chunks(size).enumerate() {
                    sending.data(part, padding, number + 1 == frames).expect("sent");
                }
                sending
            });
            assert_eq!(verdict, expected, "frames of {size} and {padding}");
        }
    }
    // The end may be a frame of its own, with nothing but padding.
    for (request, expected) in fresh() {
        let verdict = edge.verdict_on_unread("an empty frame", |origin| {
            let mut sending = begun(origin, &request);
            sending.data(&request.body, 0, false).expect("sent");
            sending.data(&[], 255, true).expect("sent");
            sending
        });
        assert_eq!(verdict, expected);
    }
}

/// The same for what a federation sends: forms, envelopes, Responses.
#[test]
fn a_body_of_a_federation_is_judged_however_it_is_split() {
    let guards = Guards { members: members("saml-response"), ..SAML };
    let edge = Edge::start_alone(guards);
    let mut seed = now();
    for name in FEDERATION.as_flattened() {
        let vector = vector(name);
        let mut fresh = || {
            seed += 1;
            edge.request(&vector, seed)
        };
        for size in [7, 1_000] {
            let request = fresh();
            let verdict = edge.verdict_on(name, |origin| {
                origin.exchange(&chunked(&request, size, "", origin)).expect("an answer")
            });
            assert_eq!(verdict, vector.verdict, "{name} in chunks of {size}");
        }
        for (size, padding) in [(100, 255), (16_000, 0)] {
            let request = fresh();
            let verdict = edge.verdict_on_unread(name, |origin| {
                let mut sending = begun(origin, &request);
                let frames = request.body.chunks(size).count();
                for (number, part) in request.body.chunks(size).enumerate() {
                    sending.data(part, padding, number + 1 == frames).expect("sent");
                }
                sending
            });
            assert_eq!(verdict, vector.verdict, "{name} in frames of {size} and {padding}");
        }
    }
}

/// A body above the cap is refused at every judged path, whatever it begins with.
#[test]
fn a_body_above_the_cap_is_refused_everywhere() {
    let guards = Guards { members: members("saml-response"), ..SAML };
    let edge = Edge::start_alone(guards);
    for [name, _] in FEDERATION {
        let mut request = edge.request(&vector(name), now());
        request.body.resize(98_305, b' ');
        let verdict = edge.verdict_on(name, |origin| origin.send(&request).expect("an answer"));
        assert_eq!(verdict, refused("proxy.body.too-large", 413), "{name}");
        let chunks = edge.verdict_on(name, |origin| {
            origin.exchange(&chunked(&request, 4_096, "", origin)).expect("an answer")
        });
        assert_eq!(chunks, refused("proxy.body.too-large", 413), "{name} in chunks");
    }
}

#[test]
fn trailers_are_refused_where_the_proxy_shows_them() {
    let edge = Edge::start(SAML);
    let seed = now();
    let trailers = refused("proxy.trailers.unexpected", 400);
    for (number, (request, _)) in messages(&edge, seed).into_iter().enumerate() {
        let verdict = edge.verdict_on_unread("trailers of HTTP/2", |origin| {
            let mut sending = begun(origin, &request);
            sending.data(&request.body, 0, false).expect("sent");
            sending.trailers(&[("x-trailer", "SAMLRequest=x")]).expect("sent");
            sending
        });
        assert_eq!(verdict, trailers, "{number}");
    }
    // In HTTP/1.1 Envoy drops them as it is configured, and nothing of them goes on.
    let (request, expected) = messages(&edge, seed + 1).into_iter().next().expect("a message");
    let send = |origin: &Origin, request: &Request| {
        origin.exchange(&chunked(request, 100, "x-trailer: SAMLRequest=x\r\n", origin)).expect("an answer")
    };
    assert_eq!(edge.verdict_on("trailers of HTTP/1.1", |origin| send(origin, &request)), expected);
    drop(edge);
    let shown = Edge::start_with(SAML, 1, |configuration| {
        let shown = configuration.replace("enable_trailers: false", "enable_trailers: true");
        assert_ne!(shown, configuration);
        shown
    });
    for (request, _) in messages(&shown, seed + 2) {
        assert_eq!(shown.verdict_on("trailers that are shown", |origin| send(origin, &request)), trailers);
    }
}

/// Messages of every kind that has an ID.
const SENT_TWICE: [&str; 5] = [
    "accept/saml/redirect-unsigned",
    "accept/saml/redirect-signed-rsa",
    "accept/saml/logout-request-redirect",
    "accept/saml/artifact-resolve",
    "accept/saml/idp-response-assertion-signed",
];

/// Workers share what they remember: of two equal messages on two connections one passes.
#[test]
fn workers_accept_a_message_once() {
    let guards = Guards { logout: true, members: members("saml-response"), ..SAML };
    let edge = Edge::start_with(guards, 2, |configuration| without_filter(&configuration, "endpoint-filter"));
    for name in SENT_TWICE {
        let vector = vector(name);
        for round in 0..15 {
            let request = edge.request(&vector, now() * 100 + round);
            let statuses = thread::scope(|scope| {
                let sending: Vec<_> = (0..4)
                    .map(|_| scope.spawn(|| edge.origin.send(&request).expect("an answer").status))
                    .collect();
                sending.into_iter().map(|sent| sent.join().expect("sent")).collect::<Vec<_>>()
            });
            let passed = statuses.iter().filter(|status| **status == 200).count();
            assert_eq!((passed, statuses.len()), (1, 4), "{name}: {statuses:?}");
            assert!(statuses.iter().all(|status| [200, 400].contains(status)), "{name}: {statuses:?}");
        }
    }
    assert_eq!(edge.upstream().take().len(), 15 * SENT_TWICE.len());
    let workers: BTreeMap<_, _> =
        edge.statistics("worker_.*downstream_cx_total").into_iter().filter(|(_, count)| *count > 0).collect();
    let public: Vec<_> = workers.keys().filter(|name| !name.contains("admin")).collect();
    assert_eq!(public.len(), 2, "{workers:?}");
}

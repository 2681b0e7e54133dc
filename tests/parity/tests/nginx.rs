//! The same filters in nginx, against the vectors that Envoy gets.
use std::thread;

use postern_end_to_end::nginx::REFUSED_BY_NGINX;
use postern_parity::filter::{Edge, Guards};
use postern_parity::{demand_parity, native, now};
use postern_vectors::{Face, Vector, Verdict, load_rule};

/// As many vectors of a rule as nginx may refuse by itself, before any filter sees them.
const MOST_BY_NGINX: usize = 30;

fn start(guards: Guards) -> Edge {
    Edge::start_in_nginx(guards, 1, |configuration| configuration)
}

/// The vectors that nginx leaves to the filters, after all have been sent. What it refuses by itself must
/// be something that is refused.
fn left_to_filters(edge: &Edge, vectors: Vec<Vector>) -> Vec<(Vector, Verdict)> {
    let mut refused = Vec::new();
    let mut left = Vec::new();
    for vector in vectors {
        if vector.exempt(Face::Filter).is_some() {
            continue;
        }
        match edge.judge(&vector) {
            Verdict::Refuse { code, status } if code == REFUSED_BY_NGINX => {
                assert!((400..500).contains(&status), "{}: {status}", vector.name);
                assert_ne!(vector.verdict, Verdict::Accept, "{}: nginx refuses it", vector.name);
                refused.push(vector.name);
            }
            verdict => left.push((vector, verdict)),
        }
    }
    assert!(refused.len() <= MOST_BY_NGINX, "{refused:#?}");
    left
}

fn demand(edge: &Edge, vectors: Vec<Vector>) {
    let left = left_to_filters(edge, vectors);
    let vectors: Vec<Vector> = left.iter().map(|(vector, _)| vector.clone()).collect();
    let found = |vector: &Vector| {
        let found = left.iter().find(|(known, _)| known.name == vector.name);
        found.map(|(_, verdict)| verdict.clone()).expect("judged above")
    };
    demand_parity(Face::Filter, &vectors, found);
}

#[test]
fn endpoint_filter() {
    let edge = start(Guards::default());
    demand(&edge, load_rule("endpoint"));
    let vectors = load_rule("endpoint");
    for vector in vectors.iter().filter(|vector| vector.exempt(Face::Filter).is_some()) {
        edge.demand_harmless(vector, native::endpoint::judge_request);
    }
}

#[test]
fn saml_decoder() {
    let edge = start(Guards { saml: true, ..Guards::default() });
    demand(&edge, load_rule("saml"));
    let nothing = Verdict::Refuse { code: "nothing may reach the LAN".into(), status: 0 };
    let vectors = load_rule("saml");
    for vector in vectors.iter().filter(|vector| vector.exempt(Face::Filter).is_some()) {
        edge.demand_harmless(vector, |_, _| nothing.clone());
    }
}

/// A body that nginx has put into a file is judged as any other.
#[test]
fn saml_decoder_of_bodies_in_files() {
    let edge = Edge::start_in_nginx(Guards { saml: true, ..Guards::default() }, 1, |configuration| {
        let small = configuration.replace("client_body_buffer_size 64k;", "client_body_buffer_size 64;");
        assert_ne!(small, configuration);
        small
    });
    let vectors = load_rule("saml");
    let posts = vectors.iter().filter(|vector| !edge.request(vector, 0).body.is_empty());
    let posts: Vec<Vector> = posts.cloned().collect();
    assert!(posts.len() > 20, "{}", posts.len());
    demand(&edge, posts);
    assert!(edge.log().contains("a client request body is buffered to a temporary file"), "{}", edge.log());
}

/// Workers share what they remember: of equal messages on several connections one passes.
#[test]
fn workers_accept_a_message_once() {
    let edge =
        Edge::start_in_nginx(Guards { saml: true, ..Guards::default() }, 3, |configuration| configuration);
    let vectors = load_rule("saml");
    let vector =
        vectors.iter().find(|vector| vector.name == "accept/saml/redirect-unsigned").expect("a vector");
    for round in 0..20 {
        let request = edge.request(vector, now() * 100 + round);
        let statuses = thread::scope(|scope| {
            let sending: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| edge.origin.send(&request).expect("an answer").status))
                .collect();
            sending.into_iter().map(|sent| sent.join().expect("sent")).collect::<Vec<_>>()
        });
        assert_eq!(
            statuses.iter().filter(|status| **status == 200).count(),
            1,
            "{statuses:?}\n{}",
            edge.log()
        );
        assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 3, "{statuses:?}");
    }
    assert_eq!(edge.upstream().take().len(), 20);
}

#[test]
fn token_validator() {
    let edge = start(Guards { token: true, ..Guards::default() });
    edge.wait_for_keys();
    demand(&edge, load_rule("access-token"));
    demand(&edge, load_rule("introspected-token"));
}

#[test]
fn guard() {
    let edge = start(Guards { saml: true, token: true, together: true, ..Guards::default() });
    edge.wait_for_keys();
    demand(&edge, load_rule("saml"));
    demand(&edge, load_rule("access-token"));
    demand(&edge, load_rule("introspected-token"));
}

//! The host's router against the vectors, with the proxy out of the way.
use std::path::Path;

use postern_parity::demand_parity;
use postern_parity::router::Router;
use postern_vectors::{Face, load_rule};

#[test]
fn endpoint() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("router");
    let _ = std::fs::remove_dir_all(&folder);
    let router = Router::start(&folder);
    let vectors = load_rule("endpoint");
    demand_parity(Face::Component, &vectors, |vector| router.judge(vector));
    // What the HTTP server makes of the others must not take it down either.
    for vector in vectors.iter().filter(|vector| vector.exempt(Face::Component).is_some()) {
        router.judge(vector);
    }
}

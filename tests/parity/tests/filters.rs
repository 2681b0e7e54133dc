//! The filters in a real Envoy against the vectors.
use postern_parity::filter::Edge;
use postern_parity::{demand_parity, native};
use postern_vectors::{Face, Vector, load_rule};

/// What the proxy does not show the filter as it is.
fn exempt(vectors: &[Vector]) -> impl Iterator<Item = &Vector> {
    vectors.iter().filter(|vector| vector.exempt(Face::Filter).is_some())
}

#[test]
fn endpoint_filter() {
    let edge = Edge::endpoint_filter();
    let vectors = load_rule("endpoint");
    demand_parity(Face::Filter, &vectors, |vector| edge.judge(vector));
    for vector in exempt(&vectors) {
        edge.demand_harmless(vector, native::endpoint::judge_request);
    }
}

#[test]
fn saml_decoder() {
    let edge = Edge::saml_decoder();
    let vectors = load_rule("saml");
    demand_parity(Face::Filter, &vectors, |vector| edge.judge(vector));
}

//! The filters in a real Envoy against the vectors.
use postern_parity::filter::{Edge, Guards};
use postern_parity::native::saml::{LOGOUT, members};
use postern_parity::{demand_parity, native};
use postern_vectors::{Face, Vector, Verdict, load_rule};

/// What the proxy does not show the filter as it is.
fn exempt(vectors: &[Vector]) -> impl Iterator<Item = &Vector> {
    vectors.iter().filter(|vector| vector.exempt(Face::Filter).is_some())
}

#[test]
fn endpoint_filter() {
    let edge = Edge::start(Guards::default());
    let vectors = load_rule("endpoint");
    demand_parity(Face::Filter, &vectors, |vector| edge.judge(vector));
    for vector in exempt(&vectors) {
        edge.demand_harmless(vector, native::endpoint::judge_request);
    }
}

/// The three in one VM give the verdicts that each gives alone.
#[test]
fn guard() {
    let edge = Edge::start(Guards { saml: true, token: true, together: true, ..Guards::default() });
    edge.wait_for_keys();
    let vectors = load_rule("endpoint");
    // Whether a request that the endpoint filter lets through is a message is the next one's verdict.
    let reached = |vector: &Vector| match edge.judge(vector) {
        Verdict::Refuse { code, .. }
            if ["saml.", "xml.", "token.", "jose.", "oauth.", "oidc."]
                .iter()
                .any(|area| code.starts_with(area)) =>
        {
            Verdict::Accept
        }
        verdict => verdict,
    };
    demand_parity(Face::Filter, &vectors, reached);
    for vector in exempt(&vectors) {
        edge.demand_harmless(vector, native::endpoint::judge_request);
    }
    demand_parity(Face::Filter, &load_rule("saml"), |vector| edge.judge(vector));
    for rule in ["access-token", "introspected-token"] {
        demand_parity(Face::Filter, &load_rule(rule), |vector| edge.judge(vector));
    }
}

#[test]
fn saml_decoder() {
    let edge = Edge::start(Guards { saml: true, ..Guards::default() });
    let vectors = load_rule("saml");
    demand_parity(Face::Filter, &vectors, |vector| edge.judge(vector));
    let nothing = Verdict::Refuse { code: "nothing may reach the LAN".into(), status: 0 };
    for vector in exempt(&vectors) {
        edge.demand_harmless(vector, |_, _| nothing.clone());
    }
}

/// The decoder is as strict alone as behind the endpoint filter, and lets other applications pass.
#[test]
fn saml_decoder_alone() {
    let edge = Edge::start_alone(Guards { saml: true, ..Guards::default() });
    for rule in ["saml-decoder", "saml"] {
        demand_parity(Face::Filter, &load_rule(rule), |vector| edge.judge(vector));
    }
}

/// Single logout, where the identity provider behind has it.
#[test]
fn saml_decoder_with_single_logout() {
    let edge = Edge::start_alone(Guards { saml: true, logout: true, ..Guards::default() });
    demand_parity(Face::Filter, &load_rule(LOGOUT), |vector| edge.judge(vector));
}

/// WS-Federation, with nothing switched on that is off by default.
#[test]
fn saml_decoder_with_ws_federation() {
    let edge = Edge::start_alone(Guards { saml: true, members: members("wsfed"), ..Guards::default() });
    demand_parity(Face::Filter, &load_rule("wsfed"), |vector| edge.judge(vector));
}

/// Everything that a federation needs: its messages, and the others as before.
#[test]
fn saml_decoder_with_federation() {
    let edge = Edge::start_alone(Guards { saml: true, members: members("wsfed-open"), ..Guards::default() });
    for rule in ["wsfed-open", "saml-artifact", "saml-response", "saml"] {
        demand_parity(Face::Filter, &load_rule(rule), |vector| edge.judge(vector));
    }
}

/// Tokens of WS-Federation are verified.
#[test]
fn saml_decoder_with_tokens_of_ws_federation() {
    let edge = Edge::start_alone(Guards { saml: true, members: members("wsfed-token"), ..Guards::default() });
    for rule in ["wsfed-token", "saml"] {
        demand_parity(Face::Filter, &load_rule(rule), |vector| edge.judge(vector));
    }
}

/// Products whose own sign-on comes back to the paths of messages, and tenants beside messages.
#[test]
fn saml_decoder_with_flows_of_products() {
    let edge =
        Edge::start_alone(Guards { saml: true, members: members("saml-product"), ..Guards::default() });
    for rule in ["saml-product", "saml"] {
        demand_parity(Face::Filter, &load_rule(rule), |vector| edge.judge(vector));
    }
}

#[test]
fn token_validator() {
    let edge = Edge::start(Guards { token: true, ..Guards::default() });
    edge.wait_for_keys();
    for rule in ["access-token", "introspected-token", "authorization-request"] {
        let vectors = load_rule(rule);
        demand_parity(Face::Filter, &vectors, |vector| edge.judge(vector));
        let nothing = Verdict::Refuse { code: "nothing may reach the LAN".into(), status: 0 };
        for vector in exempt(&vectors).filter(|vector| vector.verdict != Verdict::Accept && !is_hint(vector))
        {
            edge.demand_harmless(vector, |_, _| nothing.clone());
        }
    }
}

/// The LAN alone verifies hints.
fn is_hint(vector: &Vector) -> bool {
    vector.name.contains("/authorize-hint-")
}

//! The filters in our own proxy-wasm host against the vectors: the verdicts that they give in Envoy.
use postern_parity::demand_parity;
use postern_parity::filter::Guards;
use postern_parity::in_process::InProcess;
use postern_parity::native::saml::{LOGOUT, members};
use postern_vectors::{Face, Vector, Verdict, load_rule};

#[test]
fn endpoint_filter() {
    let filters = InProcess::start(Guards::default());
    demand_parity(Face::Filter, &load_rule("endpoint"), |vector| filters.judge(vector));
}

#[test]
fn saml_decoder() {
    let filters = InProcess::start(Guards { saml: true, ..Guards::default() });
    demand_parity(Face::Filter, &load_rule("saml"), |vector| filters.judge(vector));
}

#[test]
fn saml_decoder_alone() {
    let filters = InProcess::start_decoder_alone(Guards { saml: true, ..Guards::default() });
    for rule in ["saml-decoder", "saml"] {
        demand_parity(Face::Filter, &load_rule(rule), |vector| filters.judge(vector));
    }
}

#[test]
fn saml_decoder_with_single_logout() {
    let filters = InProcess::start_decoder_alone(Guards { saml: true, logout: true, ..Guards::default() });
    demand_parity(Face::Filter, &load_rule(LOGOUT), |vector| filters.judge(vector));
}

/// What a federation sends, in the order of the tests in Envoy.
#[test]
fn saml_decoder_with_federation() {
    for (rules, kind) in [
        (&["wsfed"][..], "wsfed"),
        (&["wsfed-open", "saml-artifact", "saml-response", "saml"], "wsfed-open"),
        (&["saml-product", "saml"], "saml-product"),
        (&["wsfed-token", "saml"], "wsfed-token"),
    ] {
        let guards = Guards { saml: true, members: members(kind), ..Guards::default() };
        let filters = InProcess::start_decoder_alone(guards);
        for rule in rules {
            demand_parity(Face::Filter, &load_rule(rule), |vector| filters.judge(vector));
        }
    }
}

#[test]
fn token_validator() {
    let filters = InProcess::start(Guards { token: true, ..Guards::default() });
    for rule in ["access-token", "introspected-token", "authorization-request"] {
        demand_parity(Face::Filter, &load_rule(rule), |vector| filters.judge(vector));
    }
}

/// The three in one VM give the verdicts that each gives alone.
#[test]
fn guard() {
    let filters = InProcess::start(Guards { saml: true, token: true, together: true, ..Guards::default() });
    // Whether a request that the endpoint filter lets through is a message is the next one's verdict.
    let reached = |vector: &Vector| match filters.judge(vector) {
        Verdict::Refuse { code, .. }
            if ["saml.", "xml.", "token.", "jose.", "oauth.", "oidc."]
                .iter()
                .any(|area| code.starts_with(area)) =>
        {
            Verdict::Accept
        }
        verdict => verdict,
    };
    demand_parity(Face::Filter, &load_rule("endpoint"), reached);
    demand_parity(Face::Filter, &load_rule("saml"), |vector| filters.judge(vector));
    for rule in ["access-token", "introspected-token"] {
        demand_parity(Face::Filter, &load_rule(rule), |vector| filters.judge(vector));
    }
}

/// A VM is shared by all plugins with the same module and id; each has its own configuration.
#[test]
fn plugins_in_one_vm_are_judged_each_by_its_own_configuration() {
    let (early, passed) = postern_parity::in_process::two_plugins_in_one_vm();
    assert!(early, "a stream belongs to the plugin that was there when it began");
    assert_eq!(passed, [[true, false], [false, true]]);
}

//! The components in the sandbox against the vectors.
use postern_parity::component::Component;
use postern_parity::demand_parity;
use postern_vectors::{Face, load_rule};

fn judge(module: &str, rules: &[&str]) {
    let component = Component::load(module);
    for rule in rules {
        demand_parity(Face::Component, &load_rule(rule), |vector| component.judge(vector));
    }
}

#[test]
fn saml() {
    judge("saml2", &["saml"]);
}

#[test]
fn saml_metadata() {
    judge("saml2", &["saml-metadata"]);
}

#[test]
fn authorization_request() {
    judge("oidc", &["authorization-request"]);
}

#[test]
fn client_authentication_and_token_request() {
    judge("oidc", &["client-authentication", "token-request"]);
}

#[test]
fn logout_request() {
    judge("oidc", &["logout-request"]);
}

#[test]
fn access_token() {
    judge("oidc", &["access-token"]);
}

#[test]
fn client_registration() {
    judge("oidc", &["client-registration"]);
}

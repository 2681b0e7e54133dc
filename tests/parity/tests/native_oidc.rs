//! The rules of OAuth 2.0 and OpenID Connect against the vectors.
use postern_parity::{demand_parity, native};
use postern_vectors::{Face, load_rule};

fn judge(rule: &str) {
    demand_parity(Face::Native, &load_rule(rule), native::oidc::judge);
}

#[test]
fn authorization_request() {
    judge("authorization-request");
}

#[test]
fn client_authentication() {
    judge("client-authentication");
}

#[test]
fn token_request() {
    judge("token-request");
}

#[test]
fn logout_request() {
    judge("logout-request");
}

#[test]
fn outside_providers() {
    for rule in
        ["provider-metadata", "provider-callback", "token-answer", "provider-token", "provider-userinfo"]
    {
        demand_parity(Face::Native, &load_rule(rule), native::provider::judge);
    }
}

#[test]
fn client_registration() {
    judge("client-registration");
}

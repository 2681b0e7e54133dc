//! The rules' crates against the vectors.
use postern_parity::{demand_parity, native};
use postern_vectors::{Face, load_rule};

#[test]
fn endpoint() {
    demand_parity(Face::Native, &load_rule("endpoint"), native::endpoint::judge);
}

#[test]
fn saml() {
    demand_parity(Face::Native, &load_rule("saml"), native::saml::judge);
}

#[test]
fn saml_decoder() {
    demand_parity(Face::Native, &load_rule("saml-decoder"), native::saml::judge);
}

#[test]
fn saml_logout() {
    demand_parity(Face::Native, &load_rule(native::saml::LOGOUT), native::saml::judge);
}

#[test]
fn wsfed() {
    for rule in ["wsfed", "wsfed-open", "wsfed-token"] {
        demand_parity(Face::Native, &load_rule(rule), native::saml::judge);
    }
}

#[test]
fn federation() {
    for rule in ["saml-artifact", "saml-response"] {
        demand_parity(Face::Native, &load_rule(rule), native::saml::judge);
    }
}

#[test]
fn federated_sign_on() {
    demand_parity(Face::Native, &load_rule("saml-sign-on"), native::saml::judge_sign_on);
}

#[test]
fn flows_of_products() {
    demand_parity(Face::Native, &load_rule("saml-product"), native::saml::judge);
}

#[test]
fn saml_metadata() {
    demand_parity(Face::Native, &load_rule("saml-metadata"), native::saml::judge_metadata);
}

#[test]
fn access_token() {
    demand_parity(Face::Native, &load_rule("access-token"), native::token::judge);
}

#[test]
fn introspected_token() {
    demand_parity(Face::Native, &load_rule("introspected-token"), native::token::judge_introspected);
}

#[test]
fn key_set() {
    demand_parity(Face::Native, &load_rule("key-set"), native::token::judge_key_set);
}

#[test]
fn passkeys() {
    demand_parity(Face::Native, &load_rule("passkey-registration"), native::passkey::judge_registration);
    demand_parity(Face::Native, &load_rule("passkey-assertion"), native::passkey::judge_assertion);
}

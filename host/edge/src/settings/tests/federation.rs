//! Federation, WS-Federation and what stands beside a product's own flow.

use super::PARTY;
use serde_json::Value;

use super::super::parse;
use super::super::tests_support::{COMMON, NOW, built, open, problems};
use crate::envoy_configuration;

/// Federation: who it is told about, and what the filter gets of it.
const FEDERATION: &str = r#"[wsfed]
home_realms = ["https://partner.example/"]
ignored_parameters = ["x-client-SKU"]
max_age = "2m"
[[wsfed.realms]]
realm = "urn:example:app"
replies = ["https://app.example.com/wsfed"]
sign_out_replies = ["https://app.example.com/bye"]
[saml.artifact_resolution]
entity_id = "https://sso.example.com/identity/metadata/saml2"
endpoint_index = 1
[[saml.artifact_resolution.relying_parties]]
entity_id = "https://timesheets.example.com/saml/metadata"
certificates = ["partner.crt"]
[[saml.federation]]
entity_id = "https://sso.example.com/identity/metadata/saml2"
[[saml.federation.identity_providers]]
metadata = "partner.xml"
[[saml.federation.identity_providers]]
entity_id = "https://other.example/metadata"
certificates = ["partner.crt"]
allows_unsolicited = true
max_assertions = 2
"#;

/// Products whose own flow comes back to the path of authorization requests.
#[test]
fn authorization_requests_are_judged_beside_the_products_own_flow() {
    const CLIENT: &str = "[tokens]\nissuer = \"https://sso.example.com/x\"\naudience = \"a\"\n\
         routes = [{ exact = \"/x\" }]\n[[authorization.clients]]\nclient_id = \"x\"\nredirect_uris = [\"https://x/y\"]\n";
    let of = |behind: &str, sections: &str| {
        let beginning = format!("behind = \"{behind}\"\nprotocols = [\"oidc\"]\n");
        built(&beginning, &format!("{CLIENT}{sections}")).policy.token_validator.unwrap().configuration
    };
    let wso2 = of("wso2is", "[wso2is]\ntenants = [\"example.com\"]\n");
    assert_eq!(
        wso2["authorization"]["paths"],
        serde_json::json!(["/oauth2/authorize", "/t/example.com/oauth2/authorize"])
    );
    let flows = wso2["authorization"]["continuations"].as_array().unwrap();
    assert_eq!(flows.len(), 6);
    assert_eq!(flows[0]["parameters"], serde_json::json!(["sessionDataKey", "chkRemember"]));
    assert_eq!(flows[1]["form"]["fields"][0], "tocommonauth");
    assert_eq!(flows[2]["form"]["fields"][0], "sessionDataKeyConsent");
    assert_eq!(flows[2]["form"]["numbered"], serde_json::json!(["consent_"]));
    let shibboleth = of("shibboleth", "");
    let flow = &shibboleth["authorization"]["continuations"][0];
    assert_eq!(
        (&flow["path"], &flow["parameters"][0]),
        (&"/idp/profile/oidc/authorize".into(), &"execution".into())
    );
}

fn federation(from: &str, to: &str) -> String {
    let common = COMMON.replace(
        "key = \"/etc/envoy/sso.key\"\n",
        "key = \"/etc/envoy/sso.key\"\nclient_ca = \"/etc/envoy/sp-ca.crt\"\n",
    );
    let text =
        format!("behind = \"wso2is\"\nprotocols = [\"saml2\", \"wsfed\"]\n{common}{PARTY}{FEDERATION}");
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

#[test]
fn federation_is_judged_by_what_the_file_says() {
    let policy =
        parse(&federation("", ""), NOW, &open).unwrap_or_else(|problems| panic!("{problems:#?}")).policy;
    let decoder = &policy.saml_decoder.as_ref().unwrap().configuration;
    assert_eq!(decoder["wsfed"]["paths"], serde_json::json!(["/passivests"]));
    assert_eq!(decoder["wsfed"]["realms"][0]["replies"][0], "https://app.example.com/wsfed");
    assert_eq!(decoder["wsfed"]["policy"]["max_age"], 120);
    assert_eq!(decoder["artifact_resolution"]["destinations"][0], "https://sso.example.com/samlartresolve");
    let digest = decoder["relying_parties"][0]["artifact_resolution"]["certificate"][0].as_str().unwrap();
    assert_eq!(digest.len(), 64);
    assert_eq!(decoder["assertion_consumers"][0]["urls"][0], "https://sso.example.com/commonauth");
    assert_eq!(decoder["assertion_consumers"][0]["serves_other_forms"], true);
    let providers = decoder["assertion_consumers"][0]["identity_providers"].as_array().unwrap();
    assert_eq!(providers[0]["entity_id"], "https://idp.partner.example/metadata");
    assert_eq!(providers[0]["signing_keys"], providers[1]["signing_keys"]);
    assert_eq!(
        (&providers[1]["allows_unsolicited"], &providers[1]["max_assertions"]),
        (&true.into(), &2.into())
    );
    let paths: Vec<&str> = policy.endpoints.iter().map(|endpoint| endpoint.path.as_str()).collect();
    assert!(paths.contains(&"/samlartresolve"), "{paths:?}");
    // Both proxies ask for the certificate.
    let envoy = envoy_configuration(&policy).unwrap();
    let envoy: Value = serde_yaml_ng::from_str(&envoy).unwrap();
    let socket =
        &envoy["static_resources"]["listeners"][0]["filter_chains"][0]["transport_socket"]["typed_config"];
    assert_eq!(
        socket["common_tls_context"]["validation_context"]["trusted_ca"]["filename"],
        "/etc/envoy/sp-ca.crt"
    );
    assert_eq!(socket["require_client_certificate"], false);
    let nginx = crate::nginx_configuration(&policy).unwrap();
    for line in ["ssl_client_certificate \"/etc/envoy/sp-ca.crt\";", "ssl_verify_client optional;"] {
        assert!(nginx.contains(line), "{nginx}");
    }
}

#[test]
fn federation_that_makes_no_sense_is_refused_at_its_field() {
    for (from, to, expected) in [
        ("client_ca = \"/etc/envoy/sp-ca.crt\"\n", "", "listen.client_ca: is missing"),
        ("https://app.example.com/wsfed", "http://app.example.com/wsfed", "wsfed.realms.0.replies"),
        (
            "ignored_parameters = [\"x-client-SKU\"]",
            "ignored_parameters = [\"wreply\"]",
            "wsfed.ignored_parameters",
        ),
        ("max_age = \"2m\"", "max_age = \"2h\"", "wsfed"),
        ("max_age = \"2m\"", "paths = [\"/x\"]", "wsfed.paths: has no effect"),
        ("max_age = \"2m\"", "results = {}", "wsfed.results.identity_providers"),
        (
            "entity_id = \"https://timesheets.example.com/saml/metadata\"",
            "entity_id = \"https://nobody.example/\"",
            "not among saml.relying_parties",
        ),
        (
            "certificates = [\"partner.crt\"]\n[[saml.federation]]",
            "certificates = [\"partner.xml\"]\n[[saml.federation]]",
            "holds no certificate",
        ),
        ("metadata = \"partner.xml\"", "metadata = \"timesheets.xml\"", "saml.metadata.role"),
        ("metadata = \"partner.xml\"", "metadata = \"gone.xml\"", "gone.xml: no such file"),
        ("metadata = \"partner.xml\"\n", "allows_unsolicited = true\n", "either metadata, or entity_id"),
        ("max_assertions = 2", "max_assertions = 9", "saml.federation.0.identity_providers.1"),
        ("\"saml2\", \"wsfed\"", "\"saml2\"", "wsfed: has no effect"),
        ("[wsfed]\n", "[wsfed]\nsurprise = 1\n", "wsfed.surprise"),
    ] {
        let found = problems(&federation(from, to));
        assert!(found.iter().any(|problem| problem.contains(expected)), "{expected} is not in {found:#?}");
    }
    let missing = format!("behind = \"wso2is\"\nprotocols = [\"wsfed\"]\n{COMMON}");
    assert!(problems(&missing)[0].contains("wsfed.realms: is missing"), "{:?}", problems(&missing));
}

/// WS-Federation alone needs no service provider of SAML.
#[test]
fn a_decoder_stands_before_ws_federation_alone() {
    let realm = "[[wsfed.realms]]\nrealm = \"urn:a\"\nreplies = [\"https://a/b\"]\n";
    let alone = built("behind = \"wso2is\"\nprotocols = [\"wsfed\"]\n", realm);
    let decoder = alone.policy.saml_decoder.unwrap().configuration;
    assert_eq!(decoder["paths"], serde_json::json!([]));
    assert_eq!(decoder["continuations"][0]["path"], "/passivests");
}

/// Servers merge query and body: where the body is judged, the query of a POST is named.
#[test]
fn the_query_of_a_post_is_named_where_messages_arrive() {
    let beginning = "behind = \"wso2is\"\nprotocols = [\"saml2\", \"oidc\"]\n";
    let sections = |named: &str| {
        format!(
            "[wso2is]\ntenants = [\"example.com\"]\n[saml]\nrelying_parties = [\"timesheets.xml\"]\n\
             [posted_query_parameters]\n{named}\n"
        )
    };
    let built = built(beginning, &sections("\"/commonauth\" = [\"sessionDataKey\"]"));
    let of = |path: &str| {
        let endpoints = &built.policy.endpoints;
        endpoints.iter().find(|endpoint| endpoint.path == path).unwrap().posted_query_parameters.clone()
    };
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    assert_eq!(of("/samlsso"), names(&["tenantDomain", "spQualifier"]));
    assert_eq!(of("/oauth2/authorize"), names(&[]));
    assert_eq!(of("/commonauth"), names(&["sessionDataKey"]));
    assert_eq!(of("/t/example.com/commonauth"), names(&[]));
    assert_eq!(of("/oidc/logout"), None);
    for (named, problem) in [
        ("\"/samlsso\" = [\"x\"]", "takes messages"),
        ("\"/oauth2/authorize\" = [\"client_id\"]", "takes messages"),
        ("\"/commonauth\" = [\"SAMLResponse\"]", "belongs to the messages"),
        ("\"/commonauth\" = [\"a b\"]", "is not a literal parameter name"),
        ("\"/oauth2/jwks\" = []", "no endpoint that takes a POST"),
        ("\"/other\" = []", "no endpoint that takes a POST"),
    ] {
        let found = problems(&format!("{beginning}{COMMON}{}", sections(named)));
        assert!(found.iter().any(|found| found.contains(problem)), "{named}: {found:#?}");
    }
}

/// Realms of a Keycloak: each is a service provider of its own.
#[test]
fn each_federation_has_its_own_entity_id_paths_and_identity_providers() {
    let section = |realm: &str| {
        format!(
            "[[saml.federation]]\nentity_id = \"https://sso.example.com/realms/{realm}\"\n\
             paths = [\"/realms/{realm}/broker/partner/endpoint\"]\n\
             [[saml.federation.identity_providers]]\nmetadata = \"partner.xml\"\n"
        )
    };
    let beginning = "behind = \"keycloak\"\nprotocols = [\"saml2\"]\n";
    let common = "[keycloak]\nrealms = [\"one\", \"two\"]\nidentity_providers = [\"partner\"]\n\
                  [saml]\nrelying_parties = [\"timesheets.xml\"]\n";
    let both = built(beginning, &format!("{common}{}{}", section("one"), section("two")));
    let decoder = both.policy.saml_decoder.as_ref().unwrap().configuration.clone();
    let consumers = decoder["assertion_consumers"].as_array().unwrap();
    for (consumer, realm) in consumers.iter().zip(["one", "two"]) {
        assert_eq!(consumer["entity_id"], format!("https://sso.example.com/realms/{realm}"));
        let url = format!("https://sso.example.com/realms/{realm}/broker/partner/endpoint");
        assert_eq!(consumer["urls"], serde_json::json!([url]));
        assert_eq!(consumer["identity_providers"][0]["entity_id"], "https://idp.partner.example/metadata");
    }
    // Both are in what is written for either proxy.
    let envoy = crate::envoy_configuration(&both.policy).unwrap();
    let nginx = crate::nginx_configuration(&both.policy).unwrap();
    for written in [envoy, nginx] {
        for realm in ["one", "two"] {
            assert!(written.contains(&format!("/realms/{realm}/broker/partner/endpoint")), "{written}");
        }
    }
    let problems = |sections: &str| problems(&format!("{beginning}{COMMON}{common}{sections}"));
    let twice = problems(&format!("{}{}", section("one"), section("one")));
    assert!(twice[0].contains("paths that are judged once"), "{twice:#?}");
    let pathless = section("one").replace("paths = ", "# ");
    assert!(
        problems(&pathless)[0].contains("saml.federation.0.paths: is missing"),
        "{:#?}",
        problems(&pathless)
    );
}

/// Tokens of WS-Federation: whose, and for whom; or unverified, and nothing beside it.
#[test]
fn tokens_of_ws_federation_are_verified_or_said_not_to_be() {
    let beginning = "behind = \"wso2is\"\nprotocols = [\"wsfed\"]\n";
    let realm = "[[wsfed.realms]]\nrealm = \"urn:a\"\nreplies = [\"https://a/b\"]\n[wsfed.results]\n";
    let issuer = "[[wsfed.results.identity_providers]]\nmetadata = \"partner.xml\"\n";
    let verified = built(beginning, &format!("{realm}audiences = [\"urn:edge\"]\n{issuer}"));
    let decoder = verified.policy.saml_decoder.unwrap().configuration;
    assert_eq!(decoder["wsfed"]["policy"]["accepts_results"], true);
    let tokens = &decoder["wsfed_tokens"];
    assert_eq!(tokens["audiences"], serde_json::json!(["urn:edge"]));
    assert_eq!(tokens["recipients"], serde_json::json!(["https://sso.example.com/passivests"]));
    assert_eq!(tokens["identity_providers"][0]["entity_id"], "https://idp.partner.example/metadata");
    let unverified = built(beginning, &format!("{realm}unverified = true\n"));
    assert!(unverified.policy.saml_decoder.unwrap().configuration.get("wsfed_tokens").is_none());
    for (results, problem) in [
        ("", "wsfed.results.identity_providers: are missing"),
        ("unverified = true\naudiences = [\"urn:edge\"]\n", "wsfed.results.unverified: stands beside"),
        (issuer, "wsfed.results.audiences"),
    ] {
        let found = problems(&format!("{beginning}{COMMON}{realm}{results}"));
        assert!(found.iter().any(|found| found.contains(problem)), "{problem}: {found:#?}");
    }
}

//! Token issuers.

use super::{KEYCLOAK, PARTY, REALM, TOKENS};
use serde_json::Value;

use super::super::tests_support::{COMMON, built, problems};
use crate::envoy_configuration;

const INTROSPECTION: &str = r#"
[tokens]
issuer = "https://sso.example.com/realms/example"
audience = "https://sso.example.com"
[tokens.introspection]
path = "/realms/example/protocol/openid-connect/token/introspect"
client_id = "edge"
client_secret_env = "EDGE_SECRET"
may_lack = ["sub"]
max_cache = "20s"
[[tokens.routes]]
prefix = "/orders"
require_certificate = true
"#;

#[test]
fn tokens_of_several_issuers_and_authorization_requests_are_judged() {
    let sections = format!(
        "{REALM}{PARTY}{TOKENS}[[authorization.clients]]\nclient_id = \"shop\"\n\
         redirect_uris = [\"https://shop.example.com/callback\"]\nscope = \"openid profile\"\n"
    );
    let validator = built(KEYCLOAK, &sections).policy.token_validator.unwrap().configuration;
    assert_eq!(validator["issuers"][0]["jwks"]["path"], "/realms/example/protocol/openid-connect/certs");
    assert_eq!(validator["issuers"][0]["max_token_lifetime_seconds"], 600);
    assert_eq!(validator["issuers"][1]["token_types"][0], "at+jwt");
    assert_eq!(validator["dpop"]["origins"][0], "https://sso.example.com");
    let route = &validator["routes"][0];
    assert_eq!(route["claims"][0]["claim"], serde_json::json!(["realm_access", "roles"]));
    assert_eq!((&route["require_dpop"], &route["clients"][0]), (&true.into(), &"shop".into()));
    assert_eq!(
        validator["authorization"]["paths"],
        serde_json::json!(["/realms/example/protocol/openid-connect/auth"])
    );
    assert_eq!(validator["authorization"]["clients"][0]["require_pkce"], true);

    for (from, to, expected) in [
        ("any_of = [\"clerk\", \"admin\"]", "", "tokens.routes.0"),
        ("[tokens]\n", "[tokens]\nissuer = \"https://x\"\naudience = \"x\"\n", "one or the other"),
        ("[tokens]\n", "[tokens]\nissuer = \"https://x\"\n", "tokens.audience: is missing"),
        ("keys = \"/realms/partners/protocol/openid-connect/certs\"\n", "", "tokens.issuers.0"),
        ("token_types = [\"JWT\"]", "token_types = []", "tokens.issuers.0.token_types"),
        ("[tokens.dpop]\nmax_age = \"30s\"\n", "", "tokens.dpop"),
    ] {
        let changed = TOKENS.replacen(from, to, 1);
        assert_ne!(changed, TOKENS, "{from}");
        let found = problems(&format!("{KEYCLOAK}{COMMON}{REALM}{PARTY}{changed}"));
        assert!(found.iter().any(|problem| problem.contains(expected)), "{expected} is not in {found:#?}");
    }
}

#[test]
fn keys_of_issuers_elsewhere_have_a_cluster_of_their_own() {
    let keys = "keys = \"/realms/partners/protocol/openid-connect/certs\"\n";
    let elsewhere = TOKENS.replacen(
        keys,
        "keys = \"https://id.partner.example/jwks\"\nkeys_ca = \"/etc/envoy/partner-ca.crt\"\n",
        1,
    );
    let policy = built(KEYCLOAK, &format!("{REALM}{PARTY}{elsewhere}")).policy;
    let validator = &policy.token_validator.as_ref().unwrap().configuration;
    let source = &validator["issuers"][1]["jwks"];
    assert_eq!(
        (&source["cluster"], &source["authority"], &source["path"]),
        (&"postern_keys_0".into(), &"id.partner.example".into(), &"/jwks".into())
    );
    let envoy: Value = serde_yaml_ng::from_str(&envoy_configuration(&policy).unwrap()).unwrap();
    let clusters = envoy["static_resources"]["clusters"].as_array().unwrap();
    let cluster = clusters.iter().find(|cluster| cluster["name"] == "postern_keys_0").unwrap();
    let tls = &cluster["transport_socket"]["typed_config"];
    assert_eq!(tls["sni"], "id.partner.example");
    let context = &tls["common_tls_context"]["validation_context"];
    assert_eq!(context["trusted_ca"]["filename"], "/etc/envoy/partner-ca.crt");
    assert_eq!(context["match_typed_subject_alt_names"][0]["matcher"]["exact"], "id.partner.example");
    let nginx = crate::nginx_configuration(&policy).unwrap();
    let line = "postern_cluster postern_keys_0 https://id.partner.example:443 name=id.partner.example \"ca=/etc/envoy/partner-ca.crt\";";
    assert!(nginx.contains(line), "{nginx}");
}

#[test]
fn an_issuer_is_asked_about_opaque_tokens() {
    let built_with = |sections: &str| built(KEYCLOAK, &format!("{REALM}{PARTY}{sections}"));
    let from_environment = built_with(INTROSPECTION);
    assert!(!from_environment.notes.iter().any(|note| note.contains("in clear")));
    let configuration = from_environment.policy.token_validator.clone().unwrap().configuration;
    let issuer = &configuration["issuers"][0];
    assert!(issuer["jwks"].is_object(), "a JWT is judged by keys");
    assert_eq!(issuer["introspection"]["cluster"], "postern_callout");
    assert_eq!(issuer["introspection"]["max_cache_seconds"], 20);
    assert_eq!(configuration["routes"][0]["require_certificate"], true);
    let (envoy, nginx) = (
        crate::envoy_configuration(&from_environment.policy).unwrap(),
        crate::nginx_configuration(&from_environment.policy).unwrap(),
    );
    assert!(envoy.contains("host_env_keys: [EDGE_SECRET]"), "{envoy}");
    assert!(nginx.contains("postern_environment EDGE_SECRET;"), "{nginx}");

    let of_file =
        INTROSPECTION.replace("client_secret_env = \"EDGE_SECRET\"", "client_secret_file = \"edge.secret\"");
    let from_file = built_with(&of_file.replace("client_id", "tokens = \"all\"\nclient_id"));
    assert!(from_file.notes.iter().any(|note| note.contains("in clear")), "{:?}", from_file.notes);
    let configuration = from_file.policy.token_validator.clone().unwrap().configuration;
    assert_eq!(configuration["issuers"][0]["introspection"]["client_secret"], "of the edge");
    assert!(configuration["issuers"][0]["jwks"].is_null(), "it is asked about all");
    assert!(!crate::envoy_configuration(&from_file.policy).unwrap().contains("host_env_keys"));

    for (from, to, expected) in [
        ("client_secret_env = \"EDGE_SECRET\"\n", "", "tokens.introspection.client_secret"),
        ("\"EDGE_SECRET\"", "\"edge-secret\"", "tokens.introspection.client_secret_env"),
        ("client_secret_env = \"EDGE_SECRET\"", "client_secret_file = \"absent\"", "client_secret_file"),
        ("\"20s\"", "\"2h\"", "tokens.introspection.max_cache:"),
        ("path = \"/", "path = \"", "tokens.introspection.path"),
    ] {
        let changed = INTROSPECTION.replacen(from, to, 1);
        assert_ne!(changed, INTROSPECTION, "{from}");
        let found = problems(&format!("{KEYCLOAK}{COMMON}{REALM}{PARTY}{changed}"));
        assert!(found.iter().any(|problem| problem.contains(expected)), "{expected} is not in {found:#?}");
    }
}

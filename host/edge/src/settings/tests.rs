use serde_json::Value;

use super::tests_support::{COMMON, NOW, built, open, problems};
use super::{parse, schema};
use crate::policy::{Balancing, Behind};
use crate::{envoy_configuration, starter};

const KEYCLOAK: &str = "behind = \"keycloak\"\nprotocols = [\"saml2\", \"oidc\"]\n";
const REALM: &str = "[keycloak]\nrealms = [\"example\"]\n";
const PARTY: &str = "[saml]\nrelying_parties = [\"timesheets.xml\"]\n";

#[test]
fn every_starter_is_a_configuration() {
    for behind in [Behind::Postern, Behind::Wso2is, Behind::Keycloak, Behind::Shibboleth, Behind::Endpoints] {
        let built =
            parse(starter(behind), NOW, &open).unwrap_or_else(|problems| panic!("{behind:?}: {problems:#?}"));
        let envoy = envoy_configuration(&built.policy).unwrap();
        serde_yaml_ng::from_str::<Value>(&envoy)
            .unwrap_or_else(|error| panic!("{behind:?}: {error}\n{envoy}"));
        assert_eq!(built.policy.upstream.nodes.len(), 2);
        let balancing = if behind == Behind::Postern { Balancing::RoundRobin } else { Balancing::Affinity };
        assert_eq!(built.policy.upstream.balancing, balancing);
    }
}

#[test]
fn the_starters_commented_fields_are_fields() {
    for behind in [Behind::Postern, Behind::Wso2is, Behind::Keycloak, Behind::Shibboleth, Behind::Endpoints] {
        let text: String = starter(behind)
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(field)
                    if field.starts_with('[')
                        || field.split_once(" = ").is_some_and(|(name, _)| !name.contains(' ')) =>
                {
                    format!("{}\n", field.split("            ").next().unwrap_or_default())
                }
                _ => format!("{line}\n"),
            })
            .collect();
        let unknown: Vec<_> =
            problems(&text).into_iter().filter(|problem| problem.contains("unknown field")).collect();
        assert!(unknown.is_empty(), "{behind:?}: {unknown:#?}");
    }
}

#[test]
fn all_problems_are_named_with_line_column_and_field() {
    let text = r#"behind = "keycloak"
protocols = ["saml2", "wsfed"]
hosts = ["sso.example.com"]
surprise = 1
[listen]
address = "nowhere"
certificate = "a"
[upstream]
nodes = []
server_name = "x"
ca = "y"
[keycloak]
realms = "example"
"#;
    let found = problems(text);
    for expected in
        ["4:1: surprise", "6:11: listen.address", "listen.key: is missing", "13:10: keycloak.realms"]
    {
        assert!(found.iter().any(|problem| problem.contains(expected)), "{expected} is not in {found:#?}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (text, expected) in [
        (format!("{KEYCLOAK}{COMMON}{PARTY}"), "keycloak.realms: is missing"),
        (format!("{KEYCLOAK}{COMMON}{REALM}"), "saml.relying_parties: must name"),
        (format!("{KEYCLOAK}{COMMON}[keycloak]\nrealms = [\"master\"]\n{PARTY}"), "administrators' realm"),
        (format!("{KEYCLOAK}{COMMON}[keycloak]\nrealms = [\"../x\"]\n{PARTY}"), "is no name"),
        (
            format!("{KEYCLOAK}{COMMON}{REALM}[saml]\nrelying_parties = [\"gone.xml\"]\n"),
            "gone.xml: no such file",
        ),
        (
            format!(
                "{KEYCLOAK}{COMMON}{REALM}[saml]\nrelying_parties = [\"timesheets.xml\", \"a/timesheets.xml\"]\n"
            ),
            "registered twice",
        ),
        (
            format!(
                "{KEYCLOAK}{COMMON}{REALM}[saml]\nrelying_parties = [\"timesheets.xml\"]\nclock_skew = \"1h\"\n"
            ),
            "saml.settings.out-of-range",
        ),
        (format!("behind = \"keycloak\"\nprotocols = [\"wsfed\"]\n{COMMON}{REALM}"), "does not speak wsfed"),
        (format!("behind = \"wso2is\"\n{COMMON}"), "protocols: must name at least one"),
        (format!("behind = \"wso2is\"\nprotocols = [\"oidc\", \"oidc\"]\n{COMMON}"), "stands there twice"),
        (format!("behind = \"wso2is\"\nprotocols = [\"oidc\"]\n{COMMON}{REALM}"), "keycloak: has no effect"),
        (format!("behind = \"endpoints\"\n{COMMON}"), "endpoints: are missing"),
        (
            format!(
                "behind = \"endpoints\"\n{COMMON}[[endpoints]]\npath = \"/carbon/x\"\nmethods = [\"GET\"]\n"
            ),
            "never public",
        ),
        (
            format!(
                "behind = \"endpoints\"\n{COMMON}[[endpoints]]\npath = \"/a/../b\"\nmethods = [\"GET\"]\n"
            ),
            "endpoints.0.path",
        ),
        (
            format!(
                "{KEYCLOAK}{COMMON}{REALM}{PARTY}[[endpoints]]\npath = \"/admin/x\"\nmethods = [\"GET\"]\n"
            ),
            "never public",
        ),
        (format!("behind = \"postern\"\n{COMMON}"), "postern.export: is missing"),
        (
            format!("behind = \"postern\"\n{COMMON}[postern]\nexport = \"postern-export.json\"\n"),
            "client_certificate: is missing",
        ),
        (
            format!(
                "behind = \"wso2is\"\nprotocols = [\"oidc\"]\n{}",
                COMMON.replace("10.0.0.1:9443", "https://a:1")
            ),
            "must be host:port",
        ),
        (
            format!(
                "behind = \"wso2is\"\nprotocols = [\"oidc\"]\n{COMMON}[log]\nadministration = \"0.0.0.0:9901\"\n"
            ),
            "not a loopback",
        ),
        (
            format!(
                "behind = \"wso2is\"\nprotocols = [\"oidc\"]\n{COMMON}[tokens]\nissuer = \"https://i\"\naudience = \"a\"\nroutes = [{{ }}]\n"
            ),
            "tokens.routes.0",
        ),
        (
            format!(
                "behind = \"wso2is\"\nprotocols = [\"oidc\"]\n{COMMON}[tokens]\nissuer = \"nobody\"\naudience = \"a\"\nroutes = [{{ exact = \"/x\" }}]\n"
            ),
            "tokens.issuer",
        ),
    ] {
        let found = problems(&text);
        assert!(found.iter().any(|problem| problem.contains(expected)), "{expected} is not in {found:#?}");
    }
}

#[test]
fn the_decoder_stands_at_the_products_paths_for_the_registered() {
    let built = built(KEYCLOAK, &format!("{REALM}{PARTY}"));
    let decoder = built.policy.saml_decoder.unwrap().configuration;
    assert_eq!(decoder["paths"], serde_json::json!(["/realms/example/protocol/saml"]));
    assert_eq!(
        decoder["policy"]["destinations"],
        serde_json::json!(["https://sso.example.com/realms/example/protocol/saml"])
    );
    assert_eq!(decoder["relying_parties"][0]["entity_id"], "https://timesheets.example.com/saml/metadata");
    assert!(built.notes.is_empty(), "{:?}", built.notes);
}

#[test]
fn what_is_not_judged_is_said() {
    let realm = "[wsfed]\nresults = { unverified = true }\n[[wsfed.realms]]\nrealm = \"urn:a\"\nreplies = [\"https://a/b\"]\n";
    let notes = built("behind = \"wso2is\"\nprotocols = [\"wsfed\", \"openid2\", \"oidc\"]\n", realm).notes;
    assert_eq!(notes.len(), 2);
    assert!(notes[0].starts_with("openid2: ") && notes[1].starts_with("wsfed: "), "{notes:?}");
}

#[test]
fn rules_of_the_edge_reach_the_filter() {
    let sections = format!(
        "{REALM}{PARTY}single_logout = false\nreplay_slots = 512\nunjudged_paths = [\"/app/slo\"]\n\
         [clients]\nallow = [\"10.0.0.0/8\"]\ndeny = [\"10.6.0.0/16\"]\n\
         [[rates]]\npath = \"/realms/example/protocol/openid-connect/token\"\nrequests = 10\nper = \"1m\"\nburst = 20\n\
         [headers]\nsecurity = \"all\"\n[headers.set]\nx-robots-tag = \"none\"\n"
    );
    let beginning = format!("{KEYCLOAK}report_only = [\"endpoint.parameter.unknown\"]\n");
    let policy = built(&beginning, &sections).policy;
    let filters = crate::filter_configurations(&policy).unwrap();
    let edge = &filters["endpoint-filter"]["edge"];
    assert_eq!(edge["clients"], serde_json::json!({ "allow": ["10.0.0.0/8"], "deny": ["10.6.0.0/16"] }));
    assert_eq!(edge["rate_limits"][0]["seconds"], 60);
    assert_eq!(edge["report_only"], serde_json::json!(["endpoint.parameter.unknown"]));
    assert_eq!(edge["response_headers"]["x-robots-tag"], "none");
    assert_eq!(edge["response_headers"]["x-frame-options"], "DENY");
    assert_eq!(edge["told_by"], "proxy");
    let decoder = &filters["saml-decoder"];
    assert_eq!(decoder["policy"]["single_logout"], false);
    assert_eq!(decoder["replay_slots"], 512);
    assert_eq!(decoder["unjudged_paths"].as_array().unwrap().last().unwrap(), "/app/slo");

    let policy = built(KEYCLOAK, &format!("{REALM}{PARTY}")).policy;
    let filters = crate::filter_configurations(&policy).unwrap();
    let names: Vec<_> =
        filters["endpoint-filter"]["edge"]["response_headers"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["referrer-policy", "x-content-type-options"], "nothing that breaks a page");
    assert_eq!(filters["saml-decoder"]["policy"]["single_logout"], true);
}

#[test]
fn rules_that_make_no_sense_are_refused_at_their_field() {
    let of = |beginning: &str, sections: &str| {
        problems(&format!("{KEYCLOAK}{beginning}{COMMON}{REALM}{PARTY}{sections}"))
    };
    for (beginning, sections, expected) in [
        ("report_only = [\"endpoint.path.never-public\"]\n", "", "always refuse"),
        ("report_only = [\"endpoint.header.too-many\"]\n", "", "report_only: "),
        ("report_only = [\"endpoint.path.unknown\"]\n", "", "management of Keycloak would be open"),
        ("report_only = [\"saml.base64.broken\"]\n", "", "report_only: "),
        ("report_only = [\"token.expired\"]\n", "", "no token is judged"),
        ("", "[clients]\ndeny = [\"10.0.0.1/8\"]\n", "clients.deny: "),
        ("", "[[rates]]\npath = \"/x\"\nrequests = 1\nper = \"1s\"\n", "rates.0.path: "),
        ("", "[headers.set]\nX-Frame = \"a\"\n", "headers.set.X-Frame"),
        ("", "[wso2is]\ntenants = [\"a\"]\n", "wso2is: has no effect"),
        ("", "[[authorization.clients]]\nclient_id = \"x\"\nredirect_uris = []\n", "needs [tokens]"),
    ] {
        let found = of(beginning, sections);
        assert!(found.iter().any(|problem| problem.contains(expected)), "{expected} is not in {found:#?}");
    }
}

const TOKENS: &str = r#"[tokens]
clock_skew = "10s"
[[tokens.issuers]]
issuer = "https://sso.example.com/realms/example"
audiences = ["https://api.example.com"]
token_types = ["JWT"]
max_lifetime = "10m"
[[tokens.issuers]]
issuer = "https://sso.example.com/realms/partners"
audiences = ["https://api.example.com"]
keys = "/realms/partners/protocol/openid-connect/certs"
[tokens.dpop]
max_age = "30s"
[[tokens.routes]]
prefix = "/orders"
issuers = ["https://sso.example.com/realms/example"]
clients = ["shop"]
require_dpop = true
claims_to_log = ["sub", ["realm_access", "roles"]]
[[tokens.routes.claims]]
claim = ["realm_access", "roles"]
any_of = ["clerk", "admin"]
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

#[test]
fn rules_of_each_filter_may_report() {
    let beginning = format!(
        "{KEYCLOAK}report_only = [\"endpoint.parameter.unknown\", \"saml.issuer.unknown\", \"token.expired\"]\n"
    );
    let policy = built(&beginning, &format!("{REALM}{PARTY}{TOKENS}")).policy;
    let filters = crate::filter_configurations(&policy).unwrap();
    assert_eq!(
        filters["endpoint-filter"]["edge"]["report_only"],
        serde_json::json!(["endpoint.parameter.unknown"])
    );
    assert_eq!(filters["saml-decoder"]["report_only"], serde_json::json!(["saml.issuer.unknown"]));
    assert_eq!(filters["token-validator"]["report_only"], serde_json::json!(["token.expired"]));
    let postern = behind_postern("postern-export.json\"\n");
    let found = problems(&format!("report_only = [\"saml.issuer.unknown\"]\n{postern}"));
    assert!(found.iter().any(|problem| problem.contains("behind Postern")), "{found:#?}");
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

#[test]
fn the_filters_share_a_vm_unless_they_are_kept_apart() {
    let policy = built(KEYCLOAK, &format!("{REALM}{PARTY}")).policy;
    assert_eq!(policy.guard.unwrap().to_str(), Some("/usr/lib/postern/filters/guard.wasm"));
    let policy = built(KEYCLOAK, &format!("{REALM}{PARTY}[filters]\nguard = \"apart\"\n")).policy;
    assert_eq!(policy.guard, None);
}

const POSTERN: &str = "behind = \"postern\"\n";

fn behind_postern(sections: &str) -> String {
    let common =
        COMMON.replace("[upstream]\n", "[upstream]\nclient_certificate = \"c\"\nclient_key = \"k\"\n");
    format!("{POSTERN}{common}[postern]\nexport = \"{sections}")
}

#[test]
fn filters_follow_postern_when_its_export_says_from_where() {
    let parsed = |sections: &str| parse(&behind_postern(sections), NOW, &open);
    let feed = |sections: &str| parsed(sections).unwrap().policy.feed;
    assert_eq!(feed("postern-export.json\"\n"), None);
    let source = feed("postern-export-feed.json\"\n").unwrap();
    assert_eq!((source.cluster.as_str(), source.in_force.sequence), ("postern_callout", 7));
    assert_eq!(feed("postern-export-feed.json\"\nfeed = false\n"), None);
    let source = feed("postern-export-feed.json\"\nfeed_keys = [\"other-node.json\"]\n").unwrap();
    assert_eq!(source.keys["keys"].as_array().unwrap().len(), 2);
    for (sections, expected) in [
        ("postern-export.json\"\nfeed = true\n", "does not say from where"),
        ("postern-export.json\"\nfeed_keys = [\"other-node.json\"]\n", "nothing is fetched"),
        ("postern-export-feed.json\"\nfeed_keys = [\"postern-export.json\"]\n", "postern.feed_keys"),
        (
            "postern-export-feed.json\"\n[[endpoints]]\npath = \"/x\"\nmethods = [\"GET\"]\n",
            "first change in the LAN",
        ),
    ] {
        let found = problems(&behind_postern(sections));
        assert!(found.iter().any(|problem| problem.contains(expected)), "{expected} is not in {found:#?}");
    }
}

#[test]
fn headers_for_policies_are_taken_off_unless_who_sets_them_is_in_front() {
    let of = |sections: &str| parse(&behind_postern(sections), NOW, &open).unwrap().policy;
    let all = |policy: &crate::EdgePolicy| {
        [envoy_configuration(policy), crate::nginx_configuration(policy), crate::apache_configuration(policy)]
            .map(Result::unwrap)
    };
    let [envoy, nginx, apache] = all(&of("postern-export.json\"\n"));
    assert!(!envoy.contains("believed") && !nginx.contains("believed") && !apache.contains("x-country"));
    let [envoy, nginx, apache] = all(&of("postern-export-headers.json\"\n"));
    for text in [envoy, nginx] {
        assert!(text.contains("\"believed_headers\"") && text.contains("\"x-country\""), "{text}");
    }
    assert!(apache.contains("RequestHeader unset x-country early"), "{apache}");
    let policy =
        of("postern-export-headers.json\"\npolicy_headers_from = [\"10.0.0.0/24\", \"2001:db8::/32\"]\n");
    let [envoy, _, apache] = all(&policy);
    assert!(envoy.contains("\"10.0.0.0/24\""), "{envoy}");
    let unless = "RequestHeader unset x-country \"expr=!(-R '10.0.0.0/24' || -R '2001:db8::/32')\"";
    assert!(apache.contains(unless), "{apache}");
    let found =
        problems(&behind_postern("postern-export-headers.json\"\npolicy_headers_from = [\"10.0.0.1/24\"]\n"));
    assert!(found.iter().any(|problem| problem.contains("postern.policy_headers_from")), "{found:#?}");
}

#[test]
fn postern_is_told_which_certificate_a_client_has_shown() {
    let of = |listen: &str| {
        let text =
            behind_postern("postern-export.json\"\n").replace("[listen]\n", &format!("[listen]\n{listen}"));
        parse(&text, NOW, &open).unwrap().policy
    };
    let without = of("");
    assert!(!envoy_configuration(&without).unwrap().contains("x-postern-client-certificate"));
    let nginx = crate::nginx_configuration(&without).unwrap();
    assert!(nginx.contains("proxy_set_header X-Postern-Client-Certificate \"\";"), "{nginx}");

    let policy = of("client_ca = \"/etc/edge/people.pem\"\nclient_crl = \"/etc/edge/people.crl\"\n");
    let envoy: Value = serde_yaml_ng::from_str(&envoy_configuration(&policy).unwrap()).unwrap();
    let chain = &envoy["static_resources"]["listeners"][0]["filter_chains"][0];
    let context = &chain["transport_socket"]["typed_config"]["common_tls_context"]["validation_context"];
    assert_eq!(context["trusted_ca"]["filename"], "/etc/edge/people.pem");
    assert_eq!(context["crl"]["filename"], "/etc/edge/people.crl");
    let added = &chain["filters"][0]["typed_config"]["route_config"]["request_headers_to_add"];
    assert_eq!(
        *added,
        serde_json::json!([{
            "header": { "key": "x-postern-client-certificate", "value": "%DOWNSTREAM_PEER_CERT%" },
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        }])
    );
    let nginx = crate::nginx_configuration(&policy).unwrap();
    for line in [
        "ssl_client_certificate \"/etc/edge/people.pem\";",
        "ssl_verify_client optional;",
        "ssl_crl \"/etc/edge/people.crl\";",
        "proxy_set_header X-Postern-Client-Certificate $ssl_client_escaped_cert;",
    ] {
        assert!(nginx.contains(line), "{line}: {nginx}");
    }
    // No other product is told: none reads our header.
    let text =
        format!("{KEYCLOAK}{COMMON}{REALM}{PARTY}").replace("[listen]\n", "[listen]\nclient_ca = \"/a\"\n");
    let policy = parse(&text, NOW, &open).unwrap().policy;
    assert!(!envoy_configuration(&policy).unwrap().contains("DOWNSTREAM_PEER_CERT"));
    assert!(!crate::nginx_configuration(&policy).unwrap().contains("ssl_client_escaped_cert"));
    let text = text.replace("client_ca", "client_crl");
    assert!(problems(&text).iter().any(|problem| problem.contains("listen.client_crl: has no effect")));
}

#[test]
fn the_schema_names_every_section() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    for section in [
        "behind",
        "protocols",
        "listen",
        "upstream",
        "saml",
        "tokens",
        "limits",
        "endpoints",
        "clients",
        "rates",
        "report_only",
        "headers",
        "authorization",
        "wso2is",
        "wsfed",
    ] {
        assert!(schema["properties"][section].is_object(), "{section}");
    }
    assert_eq!(schema["additionalProperties"], false);
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

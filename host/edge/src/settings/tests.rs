mod federation;
mod following;
mod tokens;

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

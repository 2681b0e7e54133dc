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
    let notes = built("behind = \"wso2is\"\nprotocols = [\"wsfed\", \"openid2\", \"oidc\"]\n", "").notes;
    assert_eq!(notes.len(), 2);
    assert!(notes[0].starts_with("wsfed: ") && notes[1].starts_with("openid2: "), "{notes:?}");
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
        ("report_only = [\"saml.issuer.unknown\"]\n", "", "can't be report-only"),
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
    let found = problems(&format!(
        "behind = \"wso2is\"\nprotocols = [\"oidc\"]\n{COMMON}[tokens]\nissuer = \"https://i\"\naudience = \"a\"\n\
         routes = [{{ exact = \"/x\" }}]\n[[authorization.clients]]\nclient_id = \"x\"\nredirect_uris = [\"https://x/y\"]\n"
    ));
    assert!(found.iter().any(|problem| problem.contains("sign-on flow")), "{found:#?}");
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
    ] {
        assert!(schema["properties"][section].is_object(), "{section}");
    }
    assert_eq!(schema["additionalProperties"], false);
}

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
fn the_schema_names_every_section() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    for section in ["behind", "protocols", "listen", "upstream", "saml", "tokens", "limits", "endpoints"] {
        assert!(schema["properties"][section].is_object(), "{section}");
    }
    assert_eq!(schema["additionalProperties"], false);
}

//! Filters that follow Postern, and how they run.

use super::{KEYCLOAK, PARTY, REALM, TOKENS};
use serde_json::Value;

use super::super::parse;
use super::super::tests_support::{COMMON, NOW, built, open, problems};
use crate::envoy_configuration;

const POSTERN: &str = "behind = \"postern\"\n";

#[test]
fn the_filters_share_a_vm_unless_they_are_kept_apart() {
    let policy = built(KEYCLOAK, &format!("{REALM}{PARTY}")).policy;
    assert_eq!(policy.guard.unwrap().to_str(), Some("/usr/lib/postern/filters/guard.wasm"));
    let policy = built(KEYCLOAK, &format!("{REALM}{PARTY}[filters]\nguard = \"apart\"\n")).policy;
    assert_eq!(policy.guard, None);
}

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

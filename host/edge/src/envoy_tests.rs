use std::net::SocketAddr;
use std::path::PathBuf;

use postern_endpoint::{Assets, EdgeRules, Endpoint, EndpointPolicy, Method};
use serde_json::{Value, json};

use super::*;
use crate::policy::{AccessLog, Balancing, Behind, Guard, HealthCheck, Limits, Node, TlsFiles, Upstream};

pub(crate) fn policy() -> EdgePolicy {
    EdgePolicy {
        listener: SocketAddr::from(([0, 0, 0, 0], 443)),
        tls: files("edge"),
        client_authority: None,
        key_clusters: Vec::new(),
        hosts: vec!["sso.example.com".into()],
        upstream: Upstream::postern(
            Node { address: "postern.lan".into(), port: 9443 },
            "postern.lan",
            "/etc/envoy/lan-ca.pem".into(),
            files("client"),
        ),
        endpoints: vec![endpoint("/samlsso"), endpoint("/oauth2/token")],
        assets: vec![Assets { prefix: "/authenticationendpoint/assets/".into() }],
        endpoint_filter: "/opt/postern/endpoint-filter.wasm".into(),
        saml_decoder: Some(Guard {
            wasm: "/opt/postern/saml-decoder.wasm".into(),
            configuration: json!({"relying_parties": {"https://sp.example/\"quoted\"": {"name": "line\nbreak"}}}),
        }),
        token_validator: Some(Guard {
            wasm: "/opt/postern/token-validator.wasm".into(),
            configuration: json!({"issuer": "https://sso.example.com"}),
        }),
        guard: None,
        administration: None,
        access_log: AccessLog::Stdout,
        limits: Limits::default(),
        rules: EdgeRules::default(),
        feed: None,
    }
}

fn files(name: &str) -> TlsFiles {
    TlsFiles {
        certificate_chain: format!("/etc/envoy/{name}.pem").into(),
        private_key: format!("/etc/envoy/{name}.key").into(),
    }
}

fn endpoint(path: &str) -> Endpoint {
    Endpoint {
        path: path.into(),
        methods: vec![Method::Get, Method::Post],
        content_types: vec!["application/x-www-form-urlencoded".into()],
        max_body: 262_144,
        max_query: 16_384,
        query_parameters: vec!["SAMLRequest".into()],
        ignores_other_parameters: false,
        posted_query_parameters: None,
    }
}

fn generated(policy: &EdgePolicy) -> Value {
    let text = envoy_configuration(policy).unwrap();
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn connection_manager(configuration: &Value) -> &Value {
    &configuration["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
}

#[test]
fn the_filters_stand_in_order_and_fail_closed() {
    let configuration = generated(&policy());
    let filters = connection_manager(&configuration)["http_filters"].as_array().unwrap();
    let names: Vec<_> = filters.iter().map(|filter| filter["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "envoy.filters.http.local_ratelimit",
            "envoy.filters.http.set_filter_state",
            "postern.endpoint-filter",
            "envoy.filters.http.header_mutation",
            "postern.saml-decoder",
            "postern.token-validator",
            "envoy.filters.http.router"
        ]
    );
    for filter in [&filters[2], &filters[4], &filters[5]] {
        let config = &filter["typed_config"]["config"];
        assert_eq!(config["failure_policy"], "FAIL_RELOAD");
        assert_eq!(config["allow_on_headers_stop_iteration"], true);
        assert!(config["capability_restriction_config"].is_null());
    }
}

#[test]
fn the_filters_get_the_json_that_was_handed_in() {
    let policy = policy();
    let configuration = generated(&policy);
    let filters = &connection_manager(&configuration)["http_filters"];
    let value = |index: usize| -> Value {
        let text = filters[index]["typed_config"]["config"]["configuration"]["value"].as_str().unwrap();
        serde_json::from_str(text).unwrap()
    };
    let table = EndpointPolicy::from_json(value(2).to_string().as_bytes()).unwrap();
    assert_eq!((table.endpoints, table.hosts), (policy.endpoints, policy.hosts));
    assert_eq!(value(4), policy.saml_decoder.unwrap().configuration);
    assert_eq!(value(5), policy.token_validator.unwrap().configuration);
}

/// By Envoy, where the provider is silent: no filter looks at responses for that.
#[test]
fn headers_of_responses_are_added_by_the_route() {
    let mut policy = policy();
    assert!(generated_route(&policy)["response_headers_to_add"].is_null());
    policy.rules.response_headers = [
        ("referrer-policy".to_owned(), "no-referrer".to_owned()),
        ("x-share".to_owned(), "100% \"ours\"".to_owned()),
    ]
    .into();
    let added = &generated_route(&policy)["response_headers_to_add"];
    assert_eq!(added[0]["header"], json!({ "key": "referrer-policy", "value": "no-referrer" }));
    assert_eq!(added[1]["header"]["value"], "100%% \"ours\"", "no substitution begins");
    assert_eq!(added[1]["append_action"], "ADD_IF_ABSENT");
    let configuration = generated(&policy);
    let filter = &connection_manager(&configuration)["http_filters"][2]["typed_config"]["config"];
    let text = filter["configuration"]["value"].as_str().unwrap();
    let table = EndpointPolicy::from_json(text.as_bytes()).unwrap();
    assert!(table.edge.response_headers.is_empty());
}

fn generated_route(policy: &EdgePolicy) -> Value {
    connection_manager(&generated(policy))["route_config"].clone()
}

#[test]
fn the_guard_stands_in_place_of_the_three() {
    let mut policy = policy();
    policy.guard = Some("/opt/postern/guard.wasm".into());
    let configuration = generated(&policy);
    let filters = connection_manager(&configuration)["http_filters"].as_array().unwrap();
    let names: Vec<_> = filters.iter().map(|filter| filter["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "envoy.filters.http.local_ratelimit",
            "envoy.filters.http.set_filter_state",
            "postern.guard",
            "envoy.filters.http.header_mutation",
            "envoy.filters.http.router"
        ]
    );
    let text = filters[2]["typed_config"]["config"]["configuration"]["value"].as_str().unwrap();
    let parts: Value = serde_json::from_str(text).unwrap();
    let table = EndpointPolicy::from_json(parts["endpoint"].to_string().as_bytes()).unwrap();
    assert_eq!(table.endpoints, policy.endpoints);
    assert_eq!(Some(&parts["saml"]), policy.saml_decoder.as_ref().map(|guard| &guard.configuration));
    assert_eq!(Some(&parts["tokens"]), policy.token_validator.as_ref().map(|guard| &guard.configuration));
}

#[test]
fn each_client_has_a_rate_and_all_have_one_together() {
    let mut limited = policy();
    limited.limits =
        Limits { requests_per_second: 70, client_requests_per_second: 7, client_burst: 11, ..limited.limits };
    let configuration = generated(&limited);
    let rate = &connection_manager(&configuration)["http_filters"][0]["typed_config"];
    assert_eq!(
        rate["token_bucket"],
        json!({"max_tokens": 140, "tokens_per_fill": 70, "fill_interval": "1s"})
    );
    let client = &rate["descriptors"][0]["token_bucket"];
    assert_eq!(*client, json!({"max_tokens": 11, "tokens_per_fill": 7, "fill_interval": "1s"}));
    for switch in ["filter_enabled", "filter_enforced"] {
        assert_eq!(rate[switch]["default_value"], json!({"numerator": 100, "denominator": "HUNDRED"}));
    }
    limited.limits.client_burst = 0;
    assert!(matches!(envoy_configuration(&limited), Err(EdgeError::Limit("client_burst"))));
}

#[test]
fn paths_arrive_raw_and_nothing_waits_for_ever() {
    let configuration = generated(&policy());
    let http = connection_manager(&configuration);
    assert_eq!(http["normalize_path"], false);
    assert_eq!(http["merge_slashes"], false);
    assert_eq!(http["path_with_escaped_slashes_action"], "KEEP_UNCHANGED");
    assert_eq!(http["http_protocol_options"]["allow_absolute_url"], false);
    assert_eq!(http["common_http_protocol_options"]["headers_with_underscores_action"], "DROP_HEADER");
    assert_eq!(http["use_remote_address"], true);
    for timeout in ["stream_idle_timeout", "request_timeout", "request_headers_timeout"] {
        assert!(http[timeout].as_str().is_some_and(|text| text != "0s"), "{timeout}");
    }
    let buffer = &configuration["static_resources"]["listeners"][0]["per_connection_buffer_limit_bytes"];
    assert_eq!(buffer, 393_216);
}

#[test]
fn the_access_log_never_has_a_query() {
    let text = envoy_configuration(&policy()).unwrap();
    assert!(!text.contains("%REQ(:PATH)%") && !text.contains("X-ENVOY-ORIGINAL-PATH"));
    let configuration = generated(&policy());
    let format =
        &connection_manager(&configuration)["access_log"][0]["typed_config"]["log_format"]["json_format"];
    // The header is the client's until the first filter.
    assert!(!text.contains("%REQ(X-POSTERN-CORRELATION-ID)%"));
    for field in ["correlation_id", "reason", "refusal", "status", "client", "path"] {
        assert!(format[field].is_string(), "{field}");
    }
}

#[test]
fn both_clusters_prove_who_they_talk_to() {
    let configuration = generated(&policy());
    let clusters = configuration["static_resources"]["clusters"].as_array().unwrap();
    assert_eq!(clusters.len(), 2);
    for cluster in clusters {
        let tls = &cluster["transport_socket"]["typed_config"];
        assert_eq!(tls["sni"], "postern.lan");
        let context = &tls["common_tls_context"];
        assert_eq!(context["validation_context"]["trusted_ca"]["filename"], "/etc/envoy/lan-ca.pem");
        assert_eq!(
            context["validation_context"]["match_typed_subject_alt_names"][0]["matcher"]["exact"],
            "postern.lan"
        );
        assert_eq!(context["tls_certificates"][0]["certificate_chain"]["filename"], "/etc/envoy/client.pem");
        assert_eq!(cluster["type"], "STRICT_DNS");
    }
}

#[test]
fn management_can_not_be_exposed() {
    for path in ["/console", "/carbon", "/api/server", "/services/x", "/metrics"] {
        let mut exposing = policy();
        exposing.endpoints.push(endpoint(path));
        let error = envoy_configuration(&exposing).unwrap_err().to_string();
        assert!(error.starts_with("edge: endpoints[2].path: ") && error.contains("never public"), "{error}");
    }
    let mut open = policy();
    open.administration = Some(SocketAddr::from(([10, 0, 0, 1], 9901)));
    assert!(matches!(envoy_configuration(&open), Err(EdgeError::Administration(_))));
    open.administration = Some(SocketAddr::from(([127, 0, 0, 1], 9901)));
    assert_eq!(generated(&open)["admin"]["address"]["socket_address"]["port_value"], 9901);
    assert!(generated(&policy())["admin"].is_null());
}

#[test]
fn what_callers_hand_in_stays_a_value() {
    let mut odd = policy();
    odd.access_log = AccessLog::File(PathBuf::from("/var/log/a: b\n  - \"c\" #d.log"));
    odd.upstream.server_name = "x\", injected: \"y".into();
    let configuration = generated(&odd);
    let log = &connection_manager(&configuration)["access_log"][0]["typed_config"];
    assert_eq!(log["path"], "/var/log/a: b\n  - \"c\" #d.log");
    let tls = &configuration["static_resources"]["clusters"][0]["transport_socket"]["typed_config"];
    assert_eq!(tls["sni"], "x\", injected: \"y");
    odd.limits.connections = 0;
    assert!(matches!(envoy_configuration(&odd), Err(EdgeError::Limit("connections"))));
}

#[test]
fn several_nodes_share_the_work_and_a_browser_stays_with_one() {
    let mut foreign = policy();
    foreign.upstream = Upstream {
        behind: Behind::Keycloak,
        nodes: ["kc1.lan:8443", "[2001:db8::1]:8443"].map(|text| Node::parse(text).unwrap()).into(),
        client: None,
        health: Some(HealthCheck {
            path: Some("/lb-check".into()),
            port: Some(9000),
            interval: 5,
            timeout: 2,
        }),
        balancing: Balancing::Affinity,
        ..foreign.upstream
    };
    let configuration = generated(&foreign);
    let lan = &configuration["static_resources"]["clusters"][0];
    assert_eq!((&lan["type"], &lan["lb_policy"]), (&json!("STRICT_DNS"), &json!("RING_HASH")));
    let endpoints = &lan["load_assignment"]["endpoints"][0]["lb_endpoints"];
    assert_eq!(endpoints[1]["endpoint"]["address"]["socket_address"]["address"], "2001:db8::1");
    assert_eq!(endpoints[1]["endpoint"]["health_check_config"]["port_value"], 9000);
    assert_eq!(lan["health_checks"][0]["http_health_check"]["path"], "/lb-check");
    assert!(lan["transport_socket"]["typed_config"]["common_tls_context"]["tls_certificates"].is_null());
    let routes = &connection_manager(&configuration)["route_config"];
    let route = &routes["virtual_hosts"][0]["routes"][0]["route"];
    assert_eq!(route["hash_policy"][0]["cookie"]["name"], "__Host-edge-node");
    assert!(route["retry_policy"]["retry_host_predicate"].is_array());
    let added: Vec<_> = routes["request_headers_to_add"].as_array().unwrap().iter().collect();
    assert_eq!(added.len(), 3);
    assert!(routes["request_headers_to_remove"].as_array().unwrap().contains(&json!("x-forwarded-for")));
}

#[test]
fn a_node_is_host_and_port() {
    for text in ["a:1", "a.b-c:65535", "10.0.0.1:443", "[::1]:8443"] {
        assert!(Node::parse(text).is_some(), "{text}");
    }
    for text in ["", "a", "a:", ":1", "a:0", "a:65536", "::1:8443", "[a]:1", "a b:1", "a/b:1", "https://a:1"]
    {
        assert!(Node::parse(text).is_none(), "{text}");
    }
}

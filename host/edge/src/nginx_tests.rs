use super::*;
use crate::envoy::tests::policy;

#[test]
fn what_is_judged_is_what_goes_on() {
    let text = nginx_configuration(&policy()).unwrap();
    // No path behind the upstream's name: nginx would forward its own reading of the target.
    assert!(text.contains("proxy_pass https://postern_lan;\n"), "{text}");
    assert!(text.contains("merge_slashes off;") && text.contains("underscores_in_headers off;"));
    assert!(!text.contains("proxy_ssl_verify off"));
    for filter in ["endpoint-filter", "saml-decoder", "token-validator"] {
        assert!(text.contains(&format!("postern_module {filter} \"/opt/postern/{filter}.wasm\";")), "{text}");
    }
    let order: Vec<_> = ["endpoint-filter", "saml-decoder", "token-validator"]
        .map(|filter| text.find(&format!("postern_filter_inline {filter} {{")).expect(filter))
        .into();
    assert!(order.is_sorted(), "the endpoint filter strips our headers: it comes first");
}

#[test]
fn the_largest_body_of_an_endpoint_is_the_limit_of_both() {
    let text = nginx_configuration(&policy()).unwrap();
    assert!(text.contains("client_max_body_size 262144;") && text.contains("postern_body_limit 262144;"));
}

#[test]
fn words_that_nginx_would_read_otherwise_are_refused() {
    for path in ["/etc/$host.pem", "/etc/a\"b.pem", "/etc/a\nb.pem"] {
        let mut policy = policy();
        policy.upstream.authority = path.into();
        assert!(matches!(nginx_configuration(&policy), Err(EdgeError::Path { .. })), "{path}");
    }
    let mut nobody = policy();
    nobody.upstream.nodes.clear();
    assert!(matches!(nginx_configuration(&nobody), Err(EdgeError::Nodes)));
}

#[test]
fn guard_wasm_stands_alone() {
    let mut policy = policy();
    policy.guard = Some("/opt/postern/guard.wasm".into());
    let text = nginx_configuration(&policy).unwrap();
    assert_eq!(text.matches("postern_filter_inline").count(), 1, "{text}");
    assert!(text.contains("postern_filter_inline guard {"));
}

#[test]
fn http2_is_said_as_the_version_wants_it() {
    let of = |version: &str| nginx_configuration_for(&policy(), version.parse().unwrap()).unwrap();
    assert_eq!(of("1.25.0"), nginx_configuration(&policy()).unwrap());
    assert!(of("1.25.0").contains(" ssl http2 default_server;\n") && !of("1.25.0").contains("http2 on;"));
    assert!(of("1.25.1").contains(" ssl default_server;\n    http2 on;\n"), "{}", of("1.25.1"));
}

#[test]
fn metrics_are_for_this_machine_only() {
    let closed = nginx_configuration(&policy()).unwrap();
    assert!(!closed.contains("postern_metrics;"));
    let mut open = policy();
    open.administration = Some("10.0.0.1:9901".parse().unwrap());
    assert!(matches!(nginx_configuration(&open), Err(EdgeError::Administration(_))));
    for (address, listen) in [("127.0.0.1:9901", "127.0.0.1:9901"), ("[::1]:9901", "[::1]:9901")] {
        open.administration = Some(address.parse().unwrap());
        let text = nginx_configuration(&open).unwrap();
        let server = text.split(&format!("listen {listen};")).nth(1).expect("a server of its own");
        assert!(server.contains("postern_filter off;") && server.contains("postern_metrics;"), "{text}");
    }
}

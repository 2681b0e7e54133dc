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

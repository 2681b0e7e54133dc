use super::*;

const POLICY: &str = r#"{
    "hosts": ["sso.example.com", "sso.example.com:8443"],
    "endpoints": [
        {"path": "/samlsso", "methods": ["GET", "POST"],
         "content_types": ["application/x-www-form-urlencoded"], "max_body": 100, "max_query": 60,
         "query_parameters": ["SAMLRequest", "RelayState"]},
        {"path": "/oauth2/authorize", "methods": ["GET"], "max_query": 60, "ignores_other_parameters": true},
        {"path": "/oauth2/jwks", "methods": ["GET"]},
        {"path": "/services/wso2carbon-sts", "methods": ["POST"], "content_types": ["text/xml"], "max_body": 9}
    ],
    "assets": [{"prefix": "/authenticationendpoint/assets/"}]
}"#;

fn table() -> EndpointTable {
    EndpointTable::new(EndpointPolicy::from_json(POLICY.as_bytes()).unwrap()).unwrap()
}

fn judged(method: &str, target: &str, headers: &[(&str, &str)], has_body: bool) -> Result<Body, Refusal> {
    let headers = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let request = Incoming {
        method: method.as_bytes(),
        target: target.as_bytes(),
        authority: b"sso.example.com",
        headers,
        has_body,
    };
    table().judge(&request).map(|accepted| accepted.body)
}

fn verdict(method: &str, target: &str, headers: &[(&str, &str)], has_body: bool) -> (u16, &'static str) {
    judged(method, target, headers, has_body)
        .map(|_| (200, "accepted"))
        .unwrap_or_else(|r| (r.status, r.code))
}

fn get(target: &str) -> (u16, &'static str) {
    verdict("GET", target, &[], false)
}

const ACCEPTED: (u16, &str) = (200, "accepted");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[test]
fn declared_endpoints_are_reached() {
    assert_eq!(get("/samlsso?SAMLRequest=x&RelayState=%2F"), ACCEPTED);
    assert_eq!(get("/oauth2/authorize?client_id=a&whatever=b"), ACCEPTED);
    assert_eq!(get("/authenticationendpoint/assets/css/page.1.css"), ACCEPTED);
    assert_eq!(
        judged("POST", "/samlsso", &[FORM, ("content-length", "100")], true),
        Ok(Body::Announced(100))
    );
    assert_eq!(judged("POST", "/samlsso", &[FORM], true), Ok(Body::Unannounced(100)));
    assert_eq!(
        judged("POST", "/samlsso", &[FORM, ("transfer-encoding", "chunked")], true),
        Ok(Body::Unannounced(100))
    );
    assert_eq!(judged("POST", "/samlsso", &[("content-length", "0")], false), Ok(Body::None));
}

#[test]
fn everything_else_is_not_found() {
    for target in [
        "/",
        "/samlsso/",
        "/SAMLSSO",
        "/samlsso/x",
        "/oauth2",
        "/authenticationendpoint/assets/",
        "/authenticationendpoint/assets/.git",
        "/authenticationendpoint/assets/a/",
        "/authenticationendpoint/assets/%20",
        "/authenticationendpoint/assets",
    ] {
        assert_eq!(get(target), (404, "endpoint.path.unknown"), "{target}");
    }
    for target in [
        "/carbon",
        "/console",
        "/console/x",
        "/services",
        "/fileupload",
        "/api/server/v1",
        "/metrics",
        "/health",
    ] {
        assert_eq!(get(target), (404, "endpoint.path.never-public"), "{target}");
    }
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    for method in ["PUT", "HEAD", "OPTIONS", "TRACE", "get", ""] {
        let refusal = judged(method, "/samlsso", &[], false).unwrap_err();
        assert_eq!((refusal.status, refusal.code), (405, "endpoint.method.not-allowed"), "{method}");
        assert_eq!(refusal.expected, "GET, POST");
    }
    for target in ["internal.example:443", "", "/samlsso"] {
        assert_eq!(
            verdict("CONNECT", target, &[], false),
            (400, "endpoint.target.authority-form"),
            "{target}"
        );
    }
    assert_eq!(verdict("POST", "/oauth2/jwks", &[], false).0, 405);
    assert_eq!(verdict("POST", "/authenticationendpoint/assets/a.css", &[], false).0, 405);
}

#[test]
fn a_foreign_host_is_misdirected() {
    let request = |authority: &'static str| Incoming {
        method: b"GET",
        target: b"/oauth2/jwks",
        authority: authority.as_bytes(),
        headers: core::iter::empty(),
        has_body: false,
    };
    assert!(table().judge(&request("sso.example.com:8443")).is_ok());
    for authority in ["", "evil.example", "sso.example.com.", "sso.example.com:443", "x@sso.example.com"] {
        let refusal = table().judge(&request(authority)).unwrap_err();
        assert_eq!((refusal.status, refusal.code), (421, "endpoint.host.unknown"), "{authority}");
    }
}

#[test]
fn query_parameters_are_those_declared() {
    assert_eq!(get("/samlsso?other=1"), (400, "endpoint.parameter.unknown"));
    assert_eq!(get("/samlsso?samlrequest=1"), (400, "endpoint.parameter.unknown"));
    assert_eq!(get("/oauth2/jwks?x=1"), (414, "endpoint.query.too-long"));
    assert_eq!(get("/samlsso?SAMLRequest=1&SAMLRequest=2"), (400, "form.duplicate"));
    assert_eq!(get("/oauth2/authorize?a=1&a=2"), (400, "form.duplicate"));
    assert_eq!(get("/samlsso?%53AMLRequest=1"), (400, "form.name.encoded"));
    assert_eq!(get("/oauth2/authorize?%63lient_id=1"), (400, "form.name.encoded"));
    assert_eq!(get("/samlsso?SAMLRequest=1&"), (400, "form.name.empty"));
    assert_eq!(get(&format!("/samlsso?SAMLRequest={}", "x".repeat(60))), (414, "endpoint.query.too-long"));
    assert_eq!(get("/authenticationendpoint/assets/a.css?v=1"), (414, "endpoint.query.too-long"));
}

#[test]
fn bodies_are_those_declared() {
    let post = |headers: &[(&str, &str)]| verdict("POST", "/samlsso", headers, true);
    assert_eq!(post(&[FORM, ("content-length", "101")]), (413, "endpoint.body.too-large"));
    assert_eq!(
        post(&[FORM, ("content-length", "99999999999999999999")]),
        (400, "endpoint.body.length-malformed")
    );
    assert_eq!(post(&[FORM, ("content-length", "+5")]), (400, "endpoint.body.length-malformed"));
    assert_eq!(post(&[FORM, ("content-length", "5, 5")]), (400, "endpoint.body.length-malformed"));
    assert_eq!(post(&[("content-length", "5")]), (415, "endpoint.content-type.absent"));
    assert_eq!(
        post(&[("content-type", "text/xml"), ("content-length", "5")]),
        (415, "endpoint.content-type.unknown")
    );
    let form_with = |parameters: &str| {
        let value = format!("application/x-www-form-urlencoded{parameters}");
        verdict("POST", "/samlsso", &[("content-type", &value), ("content-length", "5")], true)
    };
    assert_eq!(form_with("; charset=UTF-8"), ACCEPTED);
    assert_eq!(form_with("; charset=utf-7"), (415, "endpoint.content-type.parameter"));
    assert_eq!(form_with("; charset=\"utf-8\""), (415, "endpoint.content-type.parameter"));
    assert_eq!(form_with("; charset=utf-8; x=y"), (415, "endpoint.content-type.parameter"));
    assert_eq!(
        verdict("GET", "/samlsso", &[("content-length", "5")], true),
        (400, "endpoint.body.unexpected")
    );
    assert_eq!(
        verdict("GET", "/samlsso", &[("transfer-encoding", "chunked")], true),
        (400, "endpoint.body.unexpected")
    );
    assert_eq!(
        verdict("POST", "/samlsso", &[FORM, ("content-length", "5")], false),
        (400, "endpoint.body.length-mismatch")
    );
}

fn policy_error(json: &str) -> String {
    EndpointPolicy::from_json(json.as_bytes()).and_then(EndpointTable::new).unwrap_err().to_string()
}

fn with_endpoint(endpoint: &str) -> String {
    policy_error(&format!(r#"{{"hosts": ["h"], "endpoints": [{endpoint}]}}"#))
}

#[test]
fn management_can_not_be_configured_in() {
    for path in
        ["/console", "/carbon/x", "/api/server", "/services", "/services/other", "/metrics", "/Health"]
    {
        let error = with_endpoint(&format!(r#"{{"path": "{path}", "methods": ["GET"]}}"#));
        assert!(error.starts_with("endpoints[0].path: ") && error.contains("never public"), "{error}");
    }
    for prefix in ["/", "/api/", "/console/", "/services/"] {
        let error = policy_error(&format!(
            r#"{{"hosts": ["h"], "endpoints": [], "assets": [{{"prefix": "{prefix}"}}]}}"#
        ));
        assert!(error.starts_with("assets[0].prefix: "), "{error}");
    }
}

#[test]
fn errors_name_the_field() {
    for (endpoint, expected) in [
        (r#"{"path": "/a", "methods": ["PUT"]}"#, "endpoints[0].methods[0]: "),
        (r#"{"path": "/a", "methods": []}"#, "endpoints[0].methods: "),
        (r#"{"path": "/a", "methods": ["GET"], "maxbody": 1}"#, "endpoints[0].maxbody: "),
        (r#"{"path": "/a", "methods": ["GET"], "max_body": -1}"#, "endpoints[0].max_body: "),
        (r#"{"path": "/a/", "methods": ["GET"]}"#, "endpoints[0].path: "),
        (r#"{"path": "a", "methods": ["GET"]}"#, "endpoints[0].path: "),
        (r#"{"path": "/a/../b", "methods": ["GET"]}"#, "endpoints[0].path: "),
        (r#"{"path": "/a?b", "methods": ["GET"]}"#, "endpoints[0].path: "),
        (
            r#"{"path": "/a", "methods": ["GET"], "content_types": ["Text/XML"]}"#,
            "endpoints[0].content_types: ",
        ),
        (
            r#"{"path": "/a", "methods": ["GET"], "query_parameters": ["a=b"]}"#,
            "endpoints[0].query_parameters: ",
        ),
    ] {
        let error = with_endpoint(endpoint);
        assert!(error.starts_with(expected), "{endpoint}: {error}");
    }
    let twice = r#"{"path": "/a", "methods": ["GET"]}, {"path": "/a", "methods": ["POST"]}"#;
    assert!(with_endpoint(twice).starts_with("endpoints: /a "));
    assert!(policy_error(r#"{"hosts": [], "endpoints": []}"#).starts_with("hosts: "));
    assert!(policy_error(r#"{"hosts": ["Sso.example.com"], "endpoints": []}"#).contains("lower case"));
    assert!(policy_error(r#"{"hosts": ["a b"], "endpoints": []}"#).starts_with("hosts[0]: "));
    assert!(policy_error(r#"{"endpoints": []}"#).contains("`hosts`"));
}

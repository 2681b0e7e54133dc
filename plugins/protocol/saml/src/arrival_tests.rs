use super::*;
use crate::{AssertionConsumer, Continuation, ContinuationForm, Policy};

fn configuration() -> DecoderConfiguration {
    let policy = Policy::for_destination("https://sso.example.com/samlsso");
    DecoderConfiguration {
        unjudged_paths: vec!["/samlsso/descriptor".to_owned(), "/sp/logout".to_owned()],
        ..DecoderConfiguration::new(policy, Vec::new())
    }
}

fn head<'a>(method: &'a str, target: &'a str) -> RequestHead<'a> {
    RequestHead {
        method: method.as_bytes(),
        target: target.as_bytes(),
        has_body: method == "POST",
        content_encoding: None,
    }
}

fn code(configuration: &DecoderConfiguration, target: &str) -> &'static str {
    match configuration.arrival(&head("GET", target)) {
        Ok(Arrival::Get(..)) => "judged",
        Ok(Arrival::Post(..)) => "held",
        Ok(Arrival::Elsewhere) => "elsewhere",
        Err(refusal) => refusal.code,
    }
}

#[test]
fn what_is_judged_comes_in_a_query_or_a_body() {
    let configuration = configuration();
    assert_eq!(
        configuration.arrival(&head("GET", "/samlsso?a=b")),
        Ok(Arrival::Get(Service::SingleSignOn, b"a=b"))
    );
    assert_eq!(configuration.arrival(&head("GET", "/samlsso")), Ok(Arrival::Get(Service::SingleSignOn, b"")));
    assert_eq!(
        configuration.arrival(&head("POST", "/samlsso?x")),
        Ok(Arrival::Post(Service::SingleSignOn, b"x"))
    );
    let refused = |head: RequestHead<'_>| configuration.arrival(&head).unwrap_err();
    for method in ["HEAD", "PUT", "OPTIONS", "DELETE", "get", "GET ", ""] {
        let refusal = refused(head(method, "/samlsso"));
        assert_eq!((refusal.code, refusal.status), ("saml.method.not-allowed", 405), "{method}");
    }
    let with_body = RequestHead { has_body: true, ..head("GET", "/samlsso?SAMLRequest=x") };
    assert_eq!(refused(with_body).code, "saml.get.body");
    for encoding in ["gzip", "identity", ""] {
        let encoded = RequestHead { content_encoding: Some(encoding.as_bytes()), ..head("POST", "/samlsso") };
        let refusal = refused(encoded);
        assert_eq!((refusal.code, refusal.status), ("saml.post.content-encoding", 415), "{encoding}");
    }
    assert_eq!(code(&configuration, "/samlsso?a=1;b=2"), "endpoint.query.semicolon");
    assert_eq!(code(&configuration, "/samlsso?a=%00"), "endpoint.query.encoded-nul");
}

#[test]
fn ordinary_requests_of_other_applications_pass() {
    let configuration = configuration();
    for target in [
        "/",
        "/orders/42?ids[]=1&ids[]=2&filter={\"a\":1}|x;y",
        "/a%20b/%C3%A4?next=%2Fsamlsso%3FSAMLRequest%3Dx",
        "/oauth2/authorize?state=SAMLRequest",
        "/samlsso2?x",
        "/search?q=SAMLRequest&samlrequests=1",
        "/samlsso/descriptor",
        "/sp/logout?SAMLRequest=x",
    ] {
        assert_eq!(code(&configuration, target), "elsewhere", "{target}");
    }
    for method in ["OPTIONS", "PUT", "PROPFIND"] {
        assert_eq!(configuration.arrival(&head(method, "/files/x")), Ok(Arrival::Elsewhere));
    }
}

#[test]
fn paths_that_are_not_canonical_are_the_operators_choice() {
    let strict = configuration();
    let lenient = DecoderConfiguration { other_paths: OtherPaths::AnyUnambiguous, ..configuration() };
    for (target, expected) in [
        ("/app;jsessionid=1", "endpoint.path.matrix-parameter"),
        ("/projects/a%2Fb", "endpoint.path.encoded-slash"),
        ("/%7Euser", "endpoint.path.encoded-unreserved"),
        ("/%c3%a4", "endpoint.path.escape-lower-case"),
        ("/a//b", "endpoint.path.doubled-slash"),
        ("*", "endpoint.target.asterisk"),
    ] {
        assert_eq!(code(&strict, target), expected, "{target}");
        assert_eq!(code(&lenient, target), "elsewhere", "{target}");
    }
    for (target, expected) in [
        ("/a%3F/../samlsso", "endpoint.path.dot-segment"),
        ("/a%00/../samlsso", "endpoint.path.encoded-nul"),
        ("/samlsso;x=1", "endpoint.path.matrix-parameter"),
        ("/samlsso%20", "saml.path.ambiguous"),
        ("/samlsso/x", "saml.path.ambiguous"),
        ("/t/x/samlsso", "saml.path.ambiguous"),
        ("/samlsso/", "saml.path.ambiguous"),
        ("/SAMLSSO", "saml.path.ambiguous"),
    ] {
        assert_eq!(code(&strict, target), expected, "{target}");
        assert_eq!(code(&lenient, target), "saml.path.ambiguous", "{target}");
    }
}

#[test]
fn a_message_for_a_path_that_nobody_judges_is_refused() {
    let configuration = configuration();
    for target in [
        "/other?SAMLRequest=x",
        "/other?a=1&SAMLResponse=x",
        "/other?SAMLart=x",
        "/other?samlrequest=x",
        "/other?%53AMLRequest=x",
        "/other?%2553AMLRequest=x",
        "/other?a=1;SAMLRequest=x",
        "/other?SAMLRequest[]=x",
        "/other?SAMLRequest%5B%5D=x",
        "/other?+SAMLRequest=x",
        "/other?SAMLRequest",
        "/other?x?SAMLRequest=x",
    ] {
        assert_eq!(code(&configuration, target), "saml.message.elsewhere", "{target}");
    }
}

#[test]
fn a_sign_on_under_way_goes_on_without_a_message() {
    let configuration = DecoderConfiguration {
        continuations: vec![Continuation::get("/samlsso", &["sessionDataKey"])],
        ..configuration()
    };
    assert_eq!(code(&configuration, "/samlsso?sessionDataKey=0d3c"), "elsewhere");
    for target in ["/samlsso", "/samlsso?sessionDataKey=0d3c&SAMLRequest=x", "/samlsso?SAMLRequest=x"] {
        assert_eq!(code(&configuration, target), "judged", "{target}");
    }
    let post = head("POST", "/samlsso?sessionDataKey=0d3c");
    assert_eq!(
        configuration.arrival(&post),
        Ok(Arrival::Post(Service::SingleSignOn, b"sessionDataKey=0d3c"))
    );
    let json = serde_json::to_string(&configuration).unwrap();
    assert_eq!(DecoderConfiguration::from_json(json.as_bytes()), Ok(configuration));
    let wrong = json.replace("sessionDataKey", "SAMLRequest");
    assert_eq!(
        DecoderConfiguration::from_json(wrong.as_bytes()).unwrap_err().code,
        "saml.decoder.configuration"
    );
}

#[test]
fn a_login_form_at_the_path_of_messages_is_judged_as_a_form() {
    let form = ContinuationForm { fields: vec!["j_username".to_owned()], ..ContinuationForm::default() };
    let mut configuration = configuration();
    configuration.wsfed = serde_json::from_str(r#"{"realms":[]}"#).unwrap();
    configuration.continuations = vec![
        Continuation::get("/passivests", &["sessionDataKey"]),
        Continuation { form: Some(form), ..Continuation::get("/samlsso", &["execution"]) },
    ];
    let arrival = |target| configuration.arrival(&head("POST", target));
    let query: &[u8] = b"execution=e1s1";
    assert_eq!(arrival("/samlsso?execution=e1s1"), Ok(Arrival::Post(Service::Continuation(1), query)));
    // A message comes without a query.
    assert_eq!(arrival("/samlsso"), Ok(Arrival::Post(Service::SingleSignOn, b"")));
    let other: &[u8] = b"execution=e1s1&SAMLRequest=x";
    assert_eq!(
        arrival("/samlsso?execution=e1s1&SAMLRequest=x"),
        Ok(Arrival::Post(Service::SingleSignOn, other))
    );
    assert_eq!(code(&configuration, "/passivests?sessionDataKey=0d3c"), "elsewhere");
    assert_eq!(code(&configuration, "/passivests?sessionDataKey=0d3c&wa=wsignin1.0"), "judged");
    assert_eq!(code(&configuration, "/samlsso?sessionDataKey=0d3c"), "judged");
    let json = serde_json::to_string(&configuration).unwrap();
    assert_eq!(DecoderConfiguration::from_json(json.as_bytes()), Ok(configuration));
    for wrong in [
        json.replace("j_username", "RelayState"),
        json.replace("\"sessionDataKey\"", "\"wtrealm\""),
        json.replace("\"path\":\"/samlsso\"", "\"path\":\"/other\""),
    ] {
        assert_ne!(wrong, json);
        let refusal = DecoderConfiguration::from_json(wrong.as_bytes()).unwrap_err();
        assert_eq!(refusal.element, "continuations", "{wrong}");
    }
}

#[test]
fn ws_federation_has_its_own_path_and_none_beside_it() {
    let mut configuration = configuration();
    for target in ["/passivests?wa=wsignin1.0", "/passivests/", "/orders?wa=wsignin1.0"] {
        assert_eq!(code(&configuration, target), "elsewhere", "{target}");
    }
    configuration.wsfed = serde_json::from_str(r#"{"realms":[]}"#).unwrap();
    let arrived = configuration.arrival(&head("GET", "/passivests?wa=wsignin1.0"));
    assert_eq!(arrived, Ok(Arrival::Get(Service::WsFederation, b"wa=wsignin1.0")));
    assert_eq!(
        configuration.arrival(&head("POST", "/passivests")),
        Ok(Arrival::Post(Service::WsFederation, b""))
    );
    for target in ["/passivests/", "/PassiveSTS", "/t/x/passivests", "/passivests%20"] {
        assert_eq!(code(&configuration, target), "saml.path.ambiguous", "{target}");
    }
    for query in [
        "wa=wsignin1.0",
        "x=1&WA=WSignOut1.0",
        "%77a=%2577signin1.0",
        "a;wa=+wsign",
        "wresult=",
        "wreqptr[]=x",
    ] {
        assert_eq!(code(&configuration, &format!("/orders?{query}")), "wsfed.message.elsewhere", "{query}");
    }
    for query in ["wa=1", "wa=washington", "w=wsignin1.0", "wtrealm=x"] {
        assert_eq!(code(&configuration, &format!("/orders?{query}")), "elsewhere", "{query}");
    }
}

#[test]
fn responses_and_artifacts_come_by_post_alone() {
    let mut configuration = configuration();
    let consumer = |forms: bool| AssertionConsumer {
        paths: vec!["/commonauth".to_owned()],
        urls: vec!["https://sso.example.com/commonauth".to_owned()],
        entity_id: "urn:idp".to_owned(),
        serves_other_forms: forms,
        identity_providers: Vec::new(),
    };
    configuration.assertion_consumers = vec![consumer(true)];
    configuration.artifact_resolution =
        serde_json::from_str(r#"{"destinations":["https://sso.example.com/x"],"entity_id":"urn:idp"}"#).ok();
    let post = configuration.arrival(&head("POST", "/commonauth"));
    assert_eq!(post, Ok(Arrival::Post(Service::AssertionConsumer(0), b"")));
    let post = configuration.arrival(&head("POST", "/samlartresolve"));
    assert_eq!(post, Ok(Arrival::Post(Service::ArtifactResolution, b"")));
    assert_eq!(code(&configuration, "/samlartresolve"), "saml.method.not-allowed");
    assert_eq!(code(&configuration, "/commonauth?code=x"), "elsewhere");
    for query in ["SAMLResponse=x", "samlart=x", "a=b&SAML%52equest=x"] {
        assert_eq!(
            code(&configuration, &format!("/commonauth?{query}")),
            "saml.response.by-redirect",
            "{query}"
        );
    }
    configuration.assertion_consumers = vec![consumer(false)];
    assert_eq!(code(&configuration, "/commonauth?code=x"), "saml.method.not-allowed");
}

proptest::proptest! {
    #[test]
    fn names_by_letter_are_those_that_decoding_finds(
        name in "[+ \\[\\t\\x00a]{0,2}(samlrequest|SAMLResponse|SamlArt|RelayState)?[+ \\[\\]\\x7fx\\x00]{0,3}"
    ) {
        proptest::prop_assert!(is_literal(name.as_bytes()));
        proptest::prop_assert_eq!(carrier_by_letter(name.as_bytes()), carrier_by_decoding(name.as_bytes()));
    }
}

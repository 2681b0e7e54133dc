//! Authorization requests: which are accepted, which get a page, which errors go to the client.
#![allow(missing_docs)]

use postern_form::{Form, encode};
use postern_oauth::{
    AuthorizationAnswer, AuthorizationClient, AuthorizationError, AuthorizationRequest, Registration,
    client_id,
};
use serde_json::{Value, json};

const CALLBACK: &str = "https://shop.example.com/cb";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn registration(more: Value) -> Registration {
    let mut json = json!({
        "client_id": "shop",
        "redirect_uris": [CALLBACK, "https://shop.example.com/other?x=1"],
        "scope": "openid profile",
    });
    json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Registration::read(json.to_string().as_bytes()).unwrap()
}

fn confidential() -> Registration {
    registration(json!({}))
}

fn public() -> Registration {
    registration(json!({"token_endpoint_auth_method": "none"}))
}

fn query(changes: &[(&str, &str)]) -> String {
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", "shop"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        parameters.retain(|(own, _)| own != name);
        if *value != "-" {
            parameters.push((name, value));
        }
    }
    let encoded: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    encoded.join("&")
}

fn outcome(registration: &Registration, query: &str) -> String {
    let form = Form::parse(query.as_bytes()).unwrap();
    match AuthorizationRequest::judge(&form, &AuthorizationClient::of(registration)) {
        Ok(_) => "accepted".to_owned(),
        Err(AuthorizationError::Page(refusal)) => format!("page {}", refusal.code),
        Err(AuthorizationError::Redirect(redirect)) => {
            assert_eq!(redirect.target.redirect_uri(), CALLBACK);
            format!("{} {}", redirect.error.as_str(), redirect.refusal.code)
        }
    }
}

fn changed(changes: &[(&str, &str)]) -> String {
    outcome(&confidential(), &query(changes))
}

#[test]
fn a_request_as_it_should_be_is_accepted() {
    assert_eq!(changed(&[]), "accepted");
    assert_eq!(changed(&[("unknown", "x")]), "accepted");
    assert_eq!(changed(&[("response_mode", "form_post")]), "accepted");
    assert_eq!(changed(&[("code_challenge", "-"), ("code_challenge_method", "-")]), "accepted");
    assert_eq!(outcome(&public(), &query(&[])), "accepted");
}

#[test]
fn a_redirect_uri_that_is_not_the_clients_gets_a_page() {
    for uri in [
        "https://shop.example.com/cb/",
        "https://shop.example.com/cb/extra",
        "https://shop.example.com/cbx",
        "https://shop.example.com/cb#fragment",
        "https://shop.example.com/cb?x=1",
        "https://shop.example.com/CB",
        "https://SHOP.example.com/cb",
        "https://shop.example.com:443/cb",
        "https://shop.example.com/./cb",
        "https://shop.example.com/%63b",
        "http://shop.example.com/cb",
        "https://shop.example.com.evil.example/cb",
        "https://shop.example.com/other",
        " https://shop.example.com/cb",
    ] {
        assert_eq!(changed(&[("redirect_uri", uri)]), "page oauth.redirect-uri.mismatch", "{uri}");
    }
    assert_eq!(changed(&[("redirect_uri", "-")]), "page oauth.parameter.missing");
    let twice = format!("{}&redirect_uri={}", query(&[]), encode("https://evil.example/"));
    assert_eq!(outcome(&confidential(), &twice), "page form.duplicate");
    assert_eq!(changed(&[("state", &"s".repeat(1_025))]), "page oauth.parameter.too-long");
    let none = Form::parse(b"response_type=code").unwrap();
    assert_eq!(client_id(&none).unwrap_err().code, "oauth.parameter.missing");
    let two = Form::parse(b"client_id=a&client_id=b").unwrap();
    assert_eq!(client_id(&two).unwrap_err().code, "form.duplicate");
}

#[test]
fn other_errors_go_to_the_client() {
    for (name, value, expected) in [
        ("response_type", "-", "invalid_request oauth.parameter.missing"),
        ("response_type", "token", "unsupported_response_type oauth.response-type.unsupported"),
        ("response_type", "code id_token", "unsupported_response_type oauth.response-type.unsupported"),
        ("response_mode", "fragment", "invalid_request oauth.response-mode.unsupported"),
        ("scope", "openid  profile", "invalid_scope oauth.scope.syntax"),
        ("scope", "openid email", "invalid_scope oauth.scope.not-registered"),
        ("scope", "openid openid", "invalid_scope oauth.scope.duplicate"),
        ("nonce", &"n".repeat(1_025), "invalid_request oauth.parameter.too-long"),
        ("nonce", "a\nb", "invalid_request oauth.parameter.control-character"),
        ("request", "x.y.z", "request_not_supported oauth.request.not-supported"),
        ("request", "", "request_not_supported oauth.request.not-supported"),
        ("request_uri", "https://x", "request_uri_not_supported oauth.request-uri.not-supported"),
        ("registration", "{}", "registration_not_supported oauth.registration.not-supported"),
        ("resource", "https://x", "invalid_target oauth.resource.not-supported"),
        ("code_challenge_method", "plain", "invalid_request oauth.pkce.method"),
        ("code_challenge_method", "-", "invalid_request oauth.pkce.method"),
        ("code_challenge", "-", "invalid_request oauth.pkce.method-alone"),
        ("code_challenge", "short", "invalid_request oauth.pkce.challenge"),
    ] {
        assert_eq!(changed(&[(name, value)]), expected, "{name}={value}");
    }
    let twice = format!("{}&scope=openid", query(&[]));
    assert_eq!(outcome(&confidential(), &twice), "invalid_request form.duplicate");
    let machine = registration(json!({
        "grant_types": ["client_credentials"], "redirect_uris": [],
    }));
    assert_eq!(outcome(&machine, &query(&[])), "page oauth.redirect-uri.mismatch");
}

#[test]
fn public_clients_need_pkce() {
    let without = query(&[("code_challenge", "-"), ("code_challenge_method", "-")]);
    assert_eq!(outcome(&public(), &without), "invalid_request oauth.pkce.required");
    let strict = registration(json!({"require_pkce": true}));
    assert_eq!(outcome(&strict, &without), "invalid_request oauth.pkce.required");
}

#[test]
fn an_error_carries_state_and_issuer_in_the_mode_that_was_asked_for() {
    let answer = |changes: &[(&str, &str)]| {
        let query = query(changes);
        let form = Form::parse(query.as_bytes()).unwrap();
        match AuthorizationRequest::judge(&form, &AuthorizationClient::of(&confidential())) {
            Err(AuthorizationError::Redirect(redirect)) => redirect.answer("https://sso.example.com"),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        answer(&[("response_type", "token")]),
        AuthorizationAnswer::Redirect(
            "https://shop.example.com/cb?error=unsupported_response_type&state=s\
             &iss=https%3A%2F%2Fsso.example.com"
                .into()
        )
    );
    let posted = answer(&[("response_type", "token"), ("response_mode", "form_post")]);
    let AuthorizationAnswer::FormPost { action, fields } = posted else { panic!("{posted:?}") };
    assert_eq!(action, CALLBACK);
    assert_eq!(fields[0], ("error".into(), "unsupported_response_type".into()));
}

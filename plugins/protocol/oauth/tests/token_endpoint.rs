//! The token endpoint: client authentication and token requests.
#![allow(missing_docs)]

#[path = "../../jose/tests/support/mod.rs"]
mod support;

use base64::Engine;
use postern_form::{Form, encode};
use postern_jose::{PublishedKey, SigningInput, write_key_set};
use postern_oauth::{
    AuthenticationStep, CLIENT_ASSERTION_TYPE, ClientCredentials, GrantRequest, OneTimeKind, OneTimeValue,
    Registration, TokenError, TokenQuery, TokenRequest, wrong_secret,
};
use serde_json::{Value, json};
use support::{NativeVerifier, NeverAsked, TestKey};

const NOW: u64 = 1_750_000_000;
const ISSUER: &str = "https://sso.example.com";
const TOKEN_ENDPOINT: &str = "https://sso.example.com/oauth2/token";

fn registration(method: &str, more: Value) -> Registration {
    let mut json = json!({
        "client_id": "shop",
        "redirect_uris": ["https://shop.example.com/cb"],
        "token_endpoint_auth_method": method,
        "grant_types": ["authorization_code", "refresh_token"],
    });
    json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Registration::read(json.to_string().as_bytes()).unwrap()
}

fn basic(text: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text))
}

fn authenticate(
    registration: &Registration,
    body: &str,
    authorization: Option<&str>,
) -> Result<AuthenticationStep, TokenError> {
    let form = Form::parse(body.as_bytes()).unwrap();
    let credentials = ClientCredentials::read(&form, authorization)?;
    credentials.judge(registration, &[ISSUER, TOKEN_ENDPOINT], NOW, &NativeVerifier)
}

fn code(registration: &Registration, body: &str, authorization: Option<&str>) -> String {
    match authenticate(registration, body, authorization) {
        Ok(AuthenticationStep::CheckSecret(secret)) => format!("secret {}", secret.expose()),
        Ok(AuthenticationStep::Public) => "public".to_owned(),
        Ok(AuthenticationStep::RememberAssertion { .. }) => "assertion".to_owned(),
        Err(error) => format!("{} {}", error.error.as_str(), error.refusal.code),
    }
}

#[test]
fn a_client_uses_its_registered_method_and_no_other() {
    let by_basic = registration("client_secret_basic", json!({}));
    let by_post = registration("client_secret_post", json!({}));
    let public = registration("none", json!({}));
    let header = basic("shop:s3cret");
    assert_eq!(code(&by_basic, "", Some(&header)), "secret s3cret");
    assert_eq!(code(&by_basic, "client_id=shop", Some(&header)), "secret s3cret");
    assert_eq!(code(&by_post, "client_id=shop&client_secret=s3cret", None), "secret s3cret");
    assert_eq!(code(&public, "client_id=shop", None), "public");

    let wrong = "invalid_client oauth.client.method";
    assert_eq!(code(&by_post, "", Some(&header)), wrong);
    assert_eq!(code(&public, "", Some(&header)), wrong);
    assert_eq!(code(&by_basic, "client_id=shop&client_secret=s3cret", None), wrong);
    assert_eq!(code(&by_basic, "client_id=shop", None), wrong);
    assert_eq!(code(&by_basic, "client_id=other", Some(&header)), "invalid_client oauth.client.mismatch");
    assert_eq!(
        code(&by_basic, "client_secret=s3cret", Some(&header)),
        "invalid_request oauth.client.several-methods"
    );
    assert_eq!(code(&by_basic, "", None), "invalid_client oauth.client.missing");
    assert_eq!(
        code(&by_post, "client_id=shop&client_secret=a&client_secret=b", None),
        "invalid_request form.duplicate"
    );
}

#[test]
fn basic_credentials_are_form_encoded() {
    let registration = registration("client_secret_basic", json!({}));
    assert_eq!(code(&registration, "", Some(&basic("shop:a%3Ab%20c+d"))), "secret a:b c d");
    for header in [
        "Basic",
        "Basic ",
        "Bearer c2hvcDpz",
        "Basic c2hvcDpz ",
        "Basic c2hvcDp",
        &basic("shop"),
        &basic(":s"),
        &basic("shop:"),
        &basic("shop:%zz"),
        &basic("shop:a&b"),
        &basic("shop:\u{e4}"),
    ] {
        let expected = "invalid_client oauth.client.basic";
        assert_eq!(code(&registration, "", Some(header)), expected, "{header}");
    }
}

#[test]
fn errors_have_the_form_of_rfc_6749() {
    let error = wrong_secret();
    assert_eq!((error.status(), error.body().as_str()), (401, r#"{"error":"invalid_client"}"#));
    assert!(error.challenge().unwrap().starts_with("Basic "));
    let form = Form::parse(b"client_id=shop").unwrap();
    let unknown = ClientCredentials::read(&form, None).unwrap().unknown_client();
    assert_eq!(unknown.body(), error.body(), "an unknown client looks like a wrong secret");
    let form = Form::parse(b"grant_type=password").unwrap();
    let error = TokenRequest::read(&form, &registration("none", json!({}))).unwrap_err();
    assert_eq!(error.status(), 400);
    let body: Value = serde_json::from_str(&error.body()).unwrap();
    assert_eq!(body["error"], "unsupported_grant_type");
    assert_eq!(body["error_description"], "oauth.grant-type.unsupported at grant_type");
}

fn assertion_client(key: &TestKey) -> Registration {
    let spki = key.spki();
    let jwks =
        write_key_set(&[PublishedKey { key_id: "k1", algorithm: key.algorithm(), spki: &spki }]).unwrap();
    registration("private_key_jwt", json!({"jwks": serde_json::from_str::<Value>(&jwks).unwrap()}))
}

fn assertion(key: &TestKey, changes: Value) -> String {
    let mut claims = json!({
        "iss": "shop", "sub": "shop", "aud": TOKEN_ENDPOINT, "jti": "1", "iat": NOW, "exp": NOW + 60,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let input = SigningInput::new(key.algorithm(), "k1", "JWT", claims.as_object().unwrap().clone());
    let signature = key.sign(input.as_bytes());
    input.with_signature(&signature)
}

fn assertion_body(assertion: &str) -> String {
    format!("client_assertion_type={}&client_assertion={assertion}", encode(CLIENT_ASSERTION_TYPE))
}

#[test]
fn assertions_are_judged() {
    let key = TestKey::p256();
    let client = assertion_client(&key);
    let judged = |changes| code(&client, &assertion_body(&assertion(&key, changes)), None);
    assert_eq!(judged(json!({})), "assertion");
    assert_eq!(judged(json!({"aud": ISSUER})), "assertion");
    assert_eq!(judged(json!({"aud": [ISSUER]})), "assertion");
    for (changes, expected) in [
        (json!({"aud": [ISSUER, TOKEN_ENDPOINT]}), "oauth.assertion.audience"),
        (json!({"aud": "https://other.example"}), "oauth.assertion.audience"),
        (json!({"aud": null}), "jose.claim.missing"),
        (json!({"sub": "other"}), "oauth.assertion.client"),
        (json!({"sub": null}), "jose.claim.missing"),
        (json!({"jti": null}), "jose.claim.missing"),
        (json!({"exp": null}), "jose.claim.missing"),
        (json!({"exp": NOW - 31}), "oauth.assertion.expired"),
        (json!({"exp": NOW + 3_600}), "oauth.assertion.lifetime"),
        (json!({"iat": NOW + 60}), "oauth.assertion.not-yet-valid"),
        (json!({"nbf": NOW + 60}), "oauth.assertion.not-yet-valid"),
        (json!({"iss": "other"}), "oauth.client.method"),
    ] {
        assert_eq!(judged(changes.clone()), format!("invalid_client {expected}"), "{changes}");
    }
    let by_another = assertion(&TestKey::p256(), json!({}));
    let expected = "invalid_client jose.signature.mismatch";
    assert_eq!(code(&client, &assertion_body(&by_another), None), expected);
    let named = format!("client_id=other&{}", assertion_body(&assertion(&key, json!({}))));
    assert_eq!(code(&client, &named, None), "invalid_client oauth.client.mismatch");
    let typeless = format!("client_id=shop&client_assertion={}", assertion(&key, json!({})));
    assert_eq!(code(&client, &typeless, None), "invalid_request oauth.client.assertion-type");
}

#[test]
fn the_same_assertion_has_the_same_replay_key() {
    let key = TestKey::ed25519();
    let client = assertion_client(&key);
    let replay_key = |changes| match authenticate(&client, &assertion_body(&assertion(&key, changes)), None) {
        Ok(AuthenticationStep::RememberAssertion { replay_key, until }) => (replay_key, until),
        other => panic!("{other:?}"),
    };
    let (first, until) = replay_key(json!({}));
    assert_eq!(until, NOW + 90, "remembered as long as it would be accepted");
    assert_eq!(replay_key(json!({"exp": NOW + 61})).0, first);
    assert_ne!(replay_key(json!({"jti": "2"})).0, first);
}

#[test]
fn an_assertion_for_another_method_is_not_even_verified() {
    let key = TestKey::p256();
    let form = assertion_body(&assertion(&key, json!({})));
    let form = Form::parse(form.as_bytes()).unwrap();
    let credentials = ClientCredentials::read(&form, None).unwrap();
    let public = registration("none", json!({}));
    let error = credentials.judge(&public, &[ISSUER], NOW, &NeverAsked).unwrap_err();
    assert_eq!(error.refusal.code, "oauth.client.method");
}

fn request(registration: &Registration, body: &str) -> Result<GrantRequest, String> {
    let form = Form::parse(body.as_bytes()).unwrap();
    TokenRequest::read(&form, registration)
        .map(|request| request.grant)
        .map_err(|error| format!("{} {}", error.error.as_str(), error.refusal.code))
}

#[test]
fn token_requests_are_read_strictly() {
    let client = registration("none", json!({}));
    let code = OneTimeValue::new(OneTimeKind::AuthorizationCode, &[1; 32]).unwrap();
    let body = format!("grant_type=authorization_code&code={}&redirect_uri=https%3A%2F%2Fa", code.expose());
    assert_eq!(
        request(&client, &body),
        Ok(GrantRequest::AuthorizationCode { code, redirect_uri: "https://a".into(), code_verifier: None })
    );
    let refused = |body: &str| request(&client, body).unwrap_err();
    assert_eq!(refused(""), "invalid_request oauth.parameter.missing");
    assert_eq!(refused(&format!("{body}&code=x")), "invalid_request form.duplicate");
    assert_eq!(refused(&format!("{body}&resource=x")), "invalid_request oauth.resource.not-supported");
    assert_eq!(
        refused("grant_type=authorization_code&code=x&redirect_uri=x"),
        "invalid_grant oauth.code.unknown"
    );
    assert_eq!(refused("grant_type=authorization_code&code=x"), "invalid_request oauth.parameter.missing");
    assert_eq!(
        refused("grant_type=refresh_token&refresh_token=x"),
        "invalid_grant oauth.refresh-token.unknown"
    );
    assert_eq!(
        refused("grant_type=client_credentials"),
        "unauthorized_client oauth.grant-type.not-registered"
    );
}

#[test]
fn client_credentials_have_no_scopes_of_a_person() {
    let client = registration(
        "client_secret_basic",
        json!({
            "grant_types": ["client_credentials"], "redirect_uris": [],
            "scope": "openid profile orders.read orders.write",
        }),
    );
    let scopes = |body: &str| match request(&client, body) {
        Ok(GrantRequest::ClientCredentials { scopes }) => scopes.to_string(),
        Ok(other) => panic!("{other:?}"),
        Err(error) => error,
    };
    assert_eq!(scopes("grant_type=client_credentials"), "orders.read orders.write");
    assert_eq!(scopes("grant_type=client_credentials&scope=orders.read"), "orders.read");
    assert_eq!(
        scopes("grant_type=client_credentials&scope=openid"),
        "invalid_scope oauth.scope.needs-person"
    );
    assert_eq!(
        scopes("grant_type=client_credentials&scope=admin"),
        "invalid_scope oauth.scope.not-registered"
    );
}

#[test]
fn a_token_query_tells_the_kinds_apart() {
    let query = |body: &str| TokenQuery::read(&Form::parse(body.as_bytes()).unwrap());
    let refresh = OneTimeValue::new(OneTimeKind::RefreshToken, &[1; 32]).unwrap();
    let read = query(&format!("token={}&token_type_hint=access_token", refresh.expose())).unwrap();
    assert_eq!(read, TokenQuery::RefreshToken(refresh));
    assert!(matches!(query("token=a.b.c").unwrap(), TokenQuery::AccessToken(_)));
    assert_eq!(query("").unwrap_err().refusal.code, "oauth.parameter.missing");
    assert_eq!(query("token=a&token=b").unwrap_err().refusal.code, "form.duplicate");
}

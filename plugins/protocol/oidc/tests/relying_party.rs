//! Sign-ins at an outside provider: what is asked, and what is believed of the answers.
#![allow(missing_docs)]

#[path = "../../jose/tests/support/mod.rs"]
mod support;

use postern_jose::json::{Object, Value, read_object};
use postern_jose::{Key, KeySet, SigningInput};
use postern_oauth::at_hash;
use postern_oidc::relying_party::{
    AuthorizationUrl, Callback, ClaimSource, IdTokenRule, MappedClaims, PendingSignIn, ProviderMetadata,
    TokenAnswer, discovery_url, judge_provider_token, judge_userinfo,
};
use postern_signature::Algorithm;
use serde_json::json;
use support::{NativeVerifier, TestKey};

const ISSUER: &str = "https://op.example.com";
const NOW: u64 = 1_790_000_000;

fn document() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://op.example.com/authorize",
        "token_endpoint": "https://op.example.com/token",
        "jwks_uri": "https://keys.example.com/jwks",
        "userinfo_endpoint": "https://op.example.com/userinfo",
        "response_types_supported": ["code", "code id_token"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
        "authorization_response_iss_parameter_supported": true,
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut document = document();
    document[name] = value;
    document
}

fn read(document: &Value) -> Result<ProviderMetadata, &'static str> {
    ProviderMetadata::read(document.to_string().as_bytes(), ISSUER, true).map_err(|refusal| refusal.code)
}

fn provider() -> ProviderMetadata {
    read(&document()).unwrap()
}

fn pending() -> PendingSignIn {
    PendingSignIn {
        state: "a-state".into(),
        nonce: "a-nonce".into(),
        code_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into(),
        authenticated_since: None,
        max_age: None,
    }
}

#[test]
fn a_document_is_that_of_the_issuer_or_nothing() {
    let read_provider = provider();
    assert_eq!(read_provider.token_endpoint, "https://op.example.com/token");
    assert!(read_provider.sends_issuer);
    assert_eq!(discovery_url("https://a/b"), "https://a/b/.well-known/openid-configuration");
    assert_eq!(discovery_url("https://a/b/"), "https://a/b/.well-known/openid-configuration");
    for (name, value, code) in [
        ("issuer", json!("https://op.example.com/"), "oidc.provider.issuer"),
        ("issuer", json!("https://evil.example"), "oidc.provider.issuer"),
        ("issuer", json!(null), "oidc.provider.member"),
        ("token_endpoint", json!(1), "oidc.provider.member"),
        ("token_endpoint", json!("http://op.example.com/token"), "oidc.provider.endpoint"),
        ("token_endpoint", json!("http://127.0.0.1.evil.example/token"), "oidc.provider.endpoint"),
        ("token_endpoint", json!("https://user@op.example.com/token"), "oidc.provider.endpoint"),
        ("token_endpoint", json!("/token"), "oidc.provider.endpoint"),
        ("authorization_endpoint", json!("javascript:alert(1)"), "oidc.provider.endpoint"),
        ("authorization_endpoint", json!("https://op.example.com/#x"), "oidc.provider.endpoint"),
        ("jwks_uri", json!("https://op.example.com/\r\nx"), "oidc.provider.endpoint"),
        ("userinfo_endpoint", json!("file:///etc/passwd"), "oidc.provider.endpoint"),
        ("response_types_supported", json!(["id_token"]), "oidc.provider.unsupported"),
        ("code_challenge_methods_supported", json!(["plain"]), "oidc.provider.unsupported"),
        ("code_challenge_methods_supported", json!("S256"), "oidc.provider.member"),
        ("token_endpoint_auth_methods_supported", json!(["private_key_jwt"]), "oidc.provider.unsupported"),
        ("authorization_response_iss_parameter_supported", json!("true"), "oidc.provider.member"),
    ] {
        assert_eq!(read(&with(name, value.clone())), Err(code), "{name}: {value}");
    }
    let public = ProviderMetadata::read(document().to_string().as_bytes(), ISSUER, false);
    assert!(public.is_ok());
    let basic_alone = with("token_endpoint_auth_methods_supported", json!(["client_secret_basic"]));
    let public = ProviderMetadata::read(basic_alone.to_string().as_bytes(), ISSUER, false);
    assert_eq!(public.unwrap_err().code, "oidc.provider.unsupported");
    let large = with("x", json!("x".repeat(70_000)));
    assert_eq!(read(&large), Err("oidc.provider.too-long"));
    assert!(read(&with("jwks_uri", json!("http://127.0.0.1:3000/jwks"))).is_ok());
}

#[test]
fn the_request_has_what_binds_the_answer() {
    let asked = AuthorizationUrl {
        client_id: "postern & co",
        redirect_uri: "https://sso.example.com/commonauth/return/op",
        scopes: &["openid", "email"],
        prompt: Some("login"),
        max_age: Some(0),
        login_hint: Some("alice@example.com"),
        acr_values: None,
        ui_locales: Some("de"),
    };
    // The challenge is RFC 7636 appendix B's.
    assert_eq!(
        asked.write(&provider(), &pending()),
        "https://op.example.com/authorize?response_type=code&client_id=postern%20%26%20co\
         &redirect_uri=https%3A%2F%2Fsso.example.com%2Fcommonauth%2Freturn%2Fop&scope=openid%20email\
         &state=a-state&nonce=a-nonce&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
         &code_challenge_method=S256&prompt=login&max_age=0&login_hint=alice%40example.com&ui_locales=de"
    );
    let provider =
        ProviderMetadata { authorization_endpoint: "https://op.example.com/?a=b".into(), ..provider() };
    assert!(
        asked.write(&provider, &pending()).starts_with("https://op.example.com/?a=b&response_type=code&")
    );
    let kept = pending();
    let fresh = PendingSignIn { authenticated_since: Some(NOW), max_age: Some(60), ..kept.clone() };
    for kept in [kept, fresh] {
        assert_eq!(PendingSignIn::read(&kept.to_bytes()), Ok(kept));
    }
    for bytes in [
        &b""[..],
        b"{}",
        br#"{"state":"","nonce":"a","code_verifier":"b"}"#,
        br#"{"state":"s","nonce":"a","code_verifier":"b","authenticated_since":"0"}"#,
        br#"{"state":"s","nonce":"a","code_verifier":"b","max_age":-1}"#,
    ] {
        assert_eq!(PendingSignIn::read(bytes).unwrap_err().code, "oidc.pending.malformed");
    }
}

#[test]
fn an_answer_of_another_request_or_provider_is_refused() {
    let provider = provider();
    let judge = |query: &str| Callback::judge(query, &pending(), &provider).map_err(|refusal| refusal.code);
    let iss = "iss=https%3A%2F%2Fop.example.com";
    let code = || Ok(Callback::Code("abc".into()));
    assert_eq!(judge(&format!("code=abc&state=a-state&{iss}")), code());
    assert_eq!(judge(&format!("code=abc&state=a-state&{iss}&session_state=x")), code());
    assert_eq!(
        judge(&format!("error=access_denied&error_description=no&state=a-state&{iss}")),
        Ok(Callback::Error("access_denied".into()))
    );
    for (query, expected) in [
        (format!("code=abc&{iss}"), "oidc.callback.state"),
        (format!("code=abc&state=another&{iss}"), "oidc.callback.state"),
        (format!("error=access_denied&state=another&{iss}"), "oidc.callback.state"),
        (format!("code=abc&state=a-state&state=a-state&{iss}"), "form.duplicate"),
        (format!("code=abc&code=def&state=a-state&{iss}"), "form.duplicate"),
        ("code=abc&state=a-state".into(), "oidc.callback.issuer"),
        ("code=abc&state=a-state&iss=https%3A%2F%2Fevil.example".into(), "oidc.callback.issuer"),
        ("code=abc&state=a-state&iss=".into(), "oidc.callback.issuer"),
        (format!("state=a-state&{iss}"), "oidc.callback.answer"),
        (format!("code=&state=a-state&{iss}"), "oidc.callback.answer"),
        (format!("code=abc&error=access_denied&state=a-state&{iss}"), "oidc.callback.answer"),
        (format!("error=%0Aforged&state=a-state&{iss}"), "oidc.callback.answer"),
        (format!("code=%C3%A4&state=a-state&{iss}"), "oidc.callback.answer"),
    ] {
        assert_eq!(judge(&query), Err(expected), "{query}");
    }
    let silent = ProviderMetadata { sends_issuer: false, ..provider.clone() };
    assert_eq!(
        Callback::judge("code=abc&state=a-state", &pending(), &silent),
        Ok(Callback::Code("abc".into()))
    );
    let another =
        Callback::judge("code=abc&state=a-state&iss=https%3A%2F%2Fevil.example", &pending(), &silent);
    assert_eq!(another.unwrap_err().code, "oidc.callback.issuer");
}

#[test]
fn tokens_are_read_or_the_reason_is() {
    let read =
        |status: u16, body: &str| TokenAnswer::read(status, body.as_bytes()).map_err(|refusal| refusal.code);
    let good = r#"{"access_token":"a","id_token":"b.c.d","token_type":"bearer","expires_in":60}"#;
    assert_eq!(read(200, good).unwrap().id_token, "b.c.d");
    assert_eq!(format!("{:?}", read(200, good)), "Ok(TokenAnswer)");
    for (status, body, code) in [
        (400, r#"{"error":"invalid_grant"}"#, "oidc.token-answer.error"),
        (401, r#"{"error":"invalid_client"}"#, "oidc.token-answer.error"),
        (400, "<html>", "json.malformed"),
        (500, good, "oidc.token-answer.status"),
        (302, good, "oidc.token-answer.status"),
        (200, "[]", "json.not-object"),
        (200, r#"{"access_token":"a","token_type":"Bearer"}"#, "oidc.token-answer.member"),
        (200, r#"{"id_token":"a","token_type":"Bearer"}"#, "oidc.token-answer.member"),
        (200, r#"{"access_token":1,"id_token":"a","token_type":"Bearer"}"#, "oidc.token-answer.member"),
        (
            200,
            r#"{"access_token":"a\r\nb","id_token":"a","token_type":"Bearer"}"#,
            "oidc.token-answer.member",
        ),
        (200, r#"{"access_token":"a","id_token":"a","token_type":"DPoP"}"#, "oidc.token-answer.type"),
        (200, r#"{"access_token":"a","id_token":"a"}"#, "oidc.token-answer.type"),
        (200, r#"{"access_token":"a","access_token":"b","id_token":"a"}"#, "json.duplicate-member"),
    ] {
        assert_eq!(read(status, body), Err(code), "{status} {body}");
    }
    assert_eq!(read(200, &" ".repeat(70_000)), Err("oidc.token-answer.too-long"));
}

const ACCESS_TOKEN: &str = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";

fn rule() -> IdTokenRule<'static> {
    IdTokenRule {
        issuer: ISSUER,
        client_id: "postern",
        nonce: "a-nonce",
        access_token: ACCESS_TOKEN,
        authenticated_since: None,
        max_age: None,
        may_lack_time: false,
        algorithms: &[Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa],
        now: NOW,
        clock_skew: 30,
    }
}

fn claims(algorithm: Algorithm) -> Value {
    json!({
        "iss": ISSUER, "aud": "postern", "sub": "248289761001", "nonce": "a-nonce", "exp": NOW + 300, "iat": NOW,
        "auth_time": NOW - 100, "acr": "strong", "amr": ["pwd", "otp"], "email": "alice@example.com",
        "email_verified": true, "at_hash": at_hash(algorithm, ACCESS_TOKEN),
    })
}

fn signed(key: &TestKey, kid: &str, claims: &Value) -> String {
    let claims = claims.as_object().unwrap().clone();
    let input = SigningInput::new(key.algorithm(), kid, "JWT", claims);
    let signature = key.sign(input.as_bytes());
    input.with_signature(&signature)
}

#[test]
fn a_token_made_now_for_us_and_for_this_request_is_believed() {
    for key in [TestKey::rsa(), TestKey::p256(), TestKey::ed25519()] {
        let keys = KeySet::new(vec![Key::new("k1", key.algorithm(), key.public_key())]).unwrap();
        let token = signed(&key, "k1", &claims(key.algorithm()));
        let judged = judge_provider_token(&token, &rule(), &keys, &NativeVerifier).unwrap();
        let identity = judged.get();
        assert_eq!(identity.subject, "248289761001");
        assert_eq!(
            (identity.context.as_deref(), identity.methods.join(" ").as_str()),
            (Some("strong"), "pwd otp")
        );
    }
}

#[test]
fn a_lying_provider_is_not_believed() {
    let key = TestKey::p256();
    let keys = KeySet::new(vec![Key::new("k1", key.algorithm(), key.public_key())]).unwrap();
    let judge = |token: &str, rule: &IdTokenRule<'_>| {
        judge_provider_token(token, rule, &keys, &NativeVerifier).map(|_| ()).map_err(|refusal| refusal.code)
    };
    let with = |name: &str, value: Value| {
        let mut claims = claims(key.algorithm());
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        signed(&key, "k1", &claims)
    };
    for (name, value, code) in [
        ("iss", json!("https://evil.example"), "oidc.provider-token.issuer"),
        ("iss", json!("https://op.example.com/"), "oidc.provider-token.issuer"),
        ("iss", json!(null), "jose.claim.missing"),
        ("aud", json!("another"), "oidc.provider-token.audience"),
        ("aud", json!(["postern", "another"]), "oidc.provider-token.audience"),
        ("aud", json!(null), "jose.claim.missing"),
        ("azp", json!("another"), "oidc.provider-token.authorized-party"),
        ("exp", json!(NOW - 30), "oidc.provider-token.expired"),
        ("exp", json!(null), "jose.claim.missing"),
        ("exp", json!("2030"), "jose.claim.type"),
        ("iat", json!(NOW + 31), "oidc.provider-token.not-yet-valid"),
        ("nbf", json!(NOW + 31), "oidc.provider-token.not-yet-valid"),
        ("iat", json!(NOW - 631), "oidc.provider-token.stale"),
        ("nonce", json!("another"), "oidc.provider-token.nonce"),
        ("nonce", json!(null), "oidc.provider-token.nonce"),
        ("at_hash", json!("77QmUPtjPfzWtF2AnpK9RR"), "oidc.provider-token.access-token"),
        ("sub", json!("x".repeat(256)), "oidc.provider-token.subject"),
        ("sub", json!("\u{e4}"), "oidc.provider-token.subject"),
        ("sub", json!(""), "jose.claim.length"),
        ("sub", json!(null), "jose.claim.missing"),
        ("amr", json!("pwd"), "oidc.provider-token.methods"),
        ("amr", json!([1]), "oidc.provider-token.methods"),
    ] {
        assert_eq!(judge(&with(name, value.clone()), &rule()), Err(code), "{name}: {value}");
    }
    for (name, value) in [
        ("aud", json!(["postern"])),
        ("azp", json!("postern")),
        ("exp", json!(NOW - 29)),
        ("iat", json!(NOW + 30)),
        ("at_hash", json!(null)),
        ("amr", json!(null)),
    ] {
        assert_eq!(judge(&with(name, value.clone()), &rule()), Ok(()), "{name}: {value}");
    }
    // A minute ago the person was sent there, to prove anew who they are. The clocks may differ by half of one.
    let fresh = IdTokenRule { authenticated_since: Some(NOW - 60), ..rule() };
    for (time, expected) in [
        (json!(NOW - 91), Err("oidc.provider-token.authentication-age")),
        (json!(NOW + 31), Err("oidc.provider-token.authentication-age")),
        (json!(0), Err("oidc.provider-token.authentication-age")),
        (json!(null), Err("jose.claim.missing")),
        (json!("now"), Err("jose.claim.type")),
        (json!(NOW - 90), Ok(())),
        (json!(NOW + 30), Ok(())),
    ] {
        assert_eq!(judge(&with("auth_time", time.clone()), &fresh), expected, "{time}");
        // Where it may be missing, what is there still counts.
        let lenient = IdTokenRule { may_lack_time: true, ..fresh };
        let expected = if time.is_null() { Ok(()) } else { expected };
        assert_eq!(judge(&with("auth_time", time.clone()), &lenient), expected, "{time}");
    }
    // Sent there 25 minutes ago, for a sign-in of a minute at most. Then it was recent enough; now it is not.
    let aged = IdTokenRule { max_age: Some(60), ..rule() };
    let both = IdTokenRule { authenticated_since: Some(NOW - 1_500), ..aged };
    for rule in [aged, both] {
        for (time, expected) in [
            (NOW - 1_560, Err("oidc.provider-token.authentication-age")),
            (NOW - 91, Err("oidc.provider-token.authentication-age")),
            (NOW - 90, Ok(())),
        ] {
            assert_eq!(judge(&with("auth_time", json!(time)), &rule), expected, "{time}");
        }
    }
    let both = IdTokenRule { authenticated_since: Some(NOW), ..aged };
    assert!(judge(&with("auth_time", json!(NOW - 31)), &both).is_err(), "not before they were sent, either");

    let good = with("acr", json!("x"));
    let other = signed(&TestKey::p256(), "k1", &claims(key.algorithm()));
    assert_eq!(judge(&other, &rule()), Err("jose.signature.mismatch"));
    assert_eq!(judge(&signed(&key, "k2", &claims(key.algorithm())), &rule()), Err("jose.kid.unknown"));
    let narrow = IdTokenRule { algorithms: &[Algorithm::Rs256], ..rule() };
    assert_eq!(judge(&good, &narrow), Err("jose.alg.not-allowed"));
    let payload = good.split('.').nth(1).unwrap();
    for header in [r#"{"alg":"none","kid":"k1"}"#, r#"{"alg":"HS256","kid":"k1"}"#] {
        let header = postern_jose::base64url_encode(header.as_bytes());
        assert_eq!(judge(&format!("{header}.{payload}.AAAA"), &rule()), Err("jose.alg.not-allowed"));
        assert!(judge(&format!("{header}.{payload}."), &rule()).is_err());
    }
}

/// Without `kid` in the header.
fn unnamed(key: &TestKey, algorithm: Algorithm) -> String {
    let header = json!({ "alg": algorithm.jwa_name(), "typ": "JWT" }).to_string();
    let parts = [header, claims(algorithm).to_string()];
    let input = parts.map(|part| postern_jose::base64url_encode(part.as_bytes())).join(".");
    let signature = if algorithm == Algorithm::Ps256 {
        key.sign_pss(input.as_bytes())
    } else {
        key.sign(input.as_bytes())
    };
    format!("{input}.{}", postern_jose::base64url_encode(&signature))
}

#[test]
fn a_token_without_kid_is_that_of_the_one_key_of_its_algorithm() {
    let (rsa, another, ec) = (TestKey::rsa(), TestKey::rsa(), TestKey::p256());
    let key = |name: &str, key: &TestKey, algorithm| Key::new(name, algorithm, key.public_key());
    let own = |name: &str, one: &TestKey| key(name, one, one.algorithm());
    let allowed = [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256];
    let judge = |token: &str, keys: Vec<Key>| {
        let rule = IdTokenRule { algorithms: &allowed, ..rule() };
        let keys = KeySet::new(keys).unwrap();
        judge_provider_token(token, &rule, &keys, &NativeVerifier).map(|_| ()).map_err(|refusal| refusal.code)
    };
    let token = unnamed(&rsa, Algorithm::Rs256);
    for (keys, expected) in [
        (vec![own("r", &rsa)], Ok(())),
        (vec![own("", &rsa)], Ok(())),
        (vec![own("r", &rsa), own("e", &ec)], Ok(())),
        (vec![own("", &rsa), own("", &ec)], Ok(())),
        // One for other algorithms does not fit, and the token does not say that it is of this one.
        (vec![own("r", &rsa), key("p", &another, Algorithm::Ps256)], Ok(())),
        (vec![own("r", &rsa), own("s", &another)], Err("jose.kid.missing")),
        (vec![own("", &rsa), own("", &another)], Err("jose.kid.missing")),
        (vec![own("s", &another)], Err("jose.kid.unknown")),
        (vec![own("e", &ec)], Err("jose.kid.unknown")),
    ] {
        assert_eq!(judge(&token, keys.clone()), expected, "{keys:?}");
    }
    let pss = unnamed(&rsa, Algorithm::Ps256);
    assert_eq!(judge(&pss, vec![key("p", &rsa, Algorithm::Ps256)]), Ok(()));
    assert_eq!(judge(&pss, vec![own("r", &rsa)]), Err("jose.kid.unknown"));
    // A key without a name is found by no name.
    let named = signed(&rsa, "r", &claims(Algorithm::Rs256));
    assert_eq!(judge(&named, vec![own("", &rsa)]), Err("jose.kid.unknown"));
}

#[test]
fn userinfo_is_about_the_same_person() {
    let judge = |status: u16, kind: &str, body: &str| {
        judge_userinfo(status, kind, body.as_bytes(), "alice").map(|_| ()).map_err(|refusal| refusal.code)
    };
    assert_eq!(judge(200, "application/json; charset=utf-8", r#"{"sub":"alice"}"#), Ok(()));
    for (status, kind, body, code) in [
        (401, "application/json", r#"{"sub":"alice"}"#, "oidc.userinfo.status"),
        (200, "application/jwt", "a.b.c", "oidc.userinfo.media-type"),
        (200, "", r#"{"sub":"alice"}"#, "oidc.userinfo.media-type"),
        (200, "application/json", r#"{"sub":"eve"}"#, "oidc.userinfo.subject"),
        (200, "application/json", "{}", "oidc.userinfo.subject"),
        (200, "application/json", r#"{"sub":"alice","sub":"eve"}"#, "json.duplicate-member"),
    ] {
        assert_eq!(judge(status, kind, body), Err(code), "{body}");
    }
    assert_eq!(judge(200, "application/json", &" ".repeat(70_000)), Err("oidc.userinfo.too-long"));
}

fn object(value: &Value) -> Object {
    read_object("x", value.to_string().as_bytes()).unwrap()
}

#[test]
fn claims_get_our_names_and_addresses_are_verified_ones() {
    let key = TestKey::p256();
    let keys = KeySet::new(vec![Key::new("k1", key.algorithm(), key.public_key())]).unwrap();
    let identity = |more: Value| {
        let mut claims = claims(key.algorithm());
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let token = signed(&key, "k1", &claims);
        judge_provider_token(&token, &rule(), &keys, &NativeVerifier).unwrap().into_inner().claims
    };
    let mapping = [
        ("email", "email"),
        ("name", "name"),
        ("roles", "groups"),
        ("level", "level"),
        ("phone", "phone_number"),
    ];
    let mapped = |id_token: &postern_jose::Claims, userinfo: Option<&Object>, trusts: bool| {
        MappedClaims::of(mapping, ClaimSource { id_token, userinfo }, trusts).0
    };
    let one = |name: &str, value: &str| (name.to_owned(), vec![value.to_owned()]);
    let userinfo = object(&json!({
        "sub": "x", "name": "Alice", "groups": ["a", 1, {"b": 1}, "c\n", ""], "level": 7, "phone_number": "1",
        "email": "eve@evil.example",
    }));
    let groups = ("roles".to_owned(), vec!["a".to_owned(), "1".to_owned()]);
    assert_eq!(
        mapped(&identity(json!({})), Some(&userinfo), false),
        [one("email", "alice@example.com"), one("name", "Alice"), groups, one("level", "7")]
    );
    assert_eq!(mapped(&identity(json!({})), None, false), [one("email", "alice@example.com")]);
    for flag in [json!(false), json!("true"), json!(1)] {
        assert_eq!(mapped(&identity(json!({ "email_verified": flag })), None, false), []);
    }
    let unverified = identity(json!({ "email_verified": false }));
    assert_eq!(mapped(&unverified, None, true), [one("email", "alice@example.com")]);
    // An unverified address does not borrow the flag of another answer.
    let flagged = object(&json!({ "sub": "x", "email_verified": true }));
    assert_eq!(mapped(&unverified, Some(&flagged), false), []);
}

//! Registrations: what an operator may write.
#![allow(missing_docs)]

use postern_oauth::{AuthenticationMethod, Registration};
use postern_refusal::Fault;
use serde_json::{Value, json};

fn refused(change: impl FnOnce(&mut Value)) -> String {
    let mut json = json!({"client_id": "shop", "redirect_uris": ["https://shop.example.com/cb"]});
    change(&mut json);
    match Registration::read(json.to_string().as_bytes()) {
        Ok(_) => "accepted".to_owned(),
        Err(refusal) => {
            assert_eq!((refusal.code, refusal.fault), ("oauth.registration.invalid", Fault::Configuration));
            if refusal.element == "registration" { refusal.found } else { refusal.element }
        }
    }
}

#[test]
fn defaults_are_written_out() {
    let json = br#"{"client_id": "shop", "redirect_uris": ["https://shop.example.com/cb"]}"#;
    let registration = Registration::read(json).unwrap();
    assert_eq!(registration.token_endpoint_auth_method, AuthenticationMethod::ClientSecretBasic);
    assert!(registration.needs_secret());
    let written = serde_json::to_value(&registration).unwrap();
    assert_eq!(written["access_token_lifetime"], 300);
    assert_eq!(written["scope"], "openid profile email");
    assert_eq!(written["grant_types"], json!(["authorization_code"]));
    assert_eq!(Registration::read(written.to_string().as_bytes()).unwrap(), registration);
}

#[test]
fn what_is_wrong_is_named() {
    assert_eq!(refused(|_| ()), "accepted");
    assert!(refused(|json| json["redirect_uri"] = json!("x")).contains("unknown field `redirect_uri`"));
    assert_eq!(refused(|json| json["client_id"] = json!("a b")), "client_id");
    assert_eq!(
        refused(|json| json["redirect_uris"] = json!(["http://shop.example.com/cb"])),
        "redirect_uris"
    );
    assert_eq!(refused(|json| json["redirect_uris"] = json!([])), "redirect_uris");
    let uri = "https://shop.example.com/#bye";
    assert_eq!(refused(|json| json["post_logout_redirect_uris"] = json!([uri])), "post_logout_redirect_uris");
    assert_eq!(refused(|json| json["grant_types"] = json!([])), "grant_types");
    assert!(refused(|json| json["grant_types"] = json!(["implicit"])).contains("implicit"));
    assert!(refused(|json| json["id_token_signed_response_alg"] = json!("none")).contains("none"));
    assert!(refused(|json| json["id_token_signed_response_alg"] = json!("HS256")).contains("HS256"));
    assert_eq!(refused(|json| json["access_token_lifetime"] = json!(1)), "access_token_lifetime");
    assert_eq!(refused(|json| json["scope"] = json!("a  b")), "scope");
    assert_eq!(refused(|json| json["jwks"] = json!({"keys": []})), "jwks");
    assert_eq!(refused(|json| json["token_endpoint_auth_method"] = json!("private_key_jwt")), "jwks");
    assert_eq!(refused(|json| json["claims"] = json!({"sub": {"from": "email"}})), "claims.sub");
    assert_eq!(
        refused(|json| {
            json["token_endpoint_auth_method"] = json!("none");
            json["grant_types"] = json!(["authorization_code", "client_credentials"]);
        }),
        "grant_types"
    );
    assert_eq!(
        refused(|json| {
            json["subject_type"] = json!("pairwise");
            json["redirect_uris"] = json!(["https://a.example.com/cb", "https://b.example.com/cb"]);
        }),
        "sector_identifier"
    );
    let twice = br#"{"client_id": "shop", "client_id": "other"}"#;
    assert_eq!(Registration::read(twice).unwrap_err().code, "json.duplicate-member");
}

//! The token-validator's configuration: errors name the field.
#![allow(missing_docs)]

use postern_jose::validator::ValidatorConfiguration;
use serde_json::{Value, json};

fn configuration() -> Value {
    json!({
        "issuer": "https://sso.example.com",
        "audience": "https://api.example.com",
        "algorithms": ["RS256", "ES256"],
        "jwks": {"cluster": "postern", "authority": "sso.example.com", "path": "/oauth2/jwks"},
        "routes": [{
            "match": {"prefix": "/api"},
            "scopes": ["orders.read"],
            "claims_to_headers": {"email": "x-postern-email"},
        }],
    })
}

fn field(change: impl FnOnce(&mut Value)) -> String {
    let mut json = configuration();
    change(&mut json);
    let refusal = ValidatorConfiguration::read(json.to_string().as_bytes()).unwrap_err();
    assert_eq!(refusal.code, "token.configuration.invalid");
    format!("{} {}", refusal.element, refusal.found)
}

#[test]
fn a_whole_configuration_is_read_and_written() {
    let read = ValidatorConfiguration::read(configuration().to_string().as_bytes()).unwrap();
    let written = serde_json::to_vec(&read).unwrap();
    assert_eq!(ValidatorConfiguration::read(&written).unwrap(), read);
}

#[test]
fn errors_name_the_field() {
    assert!(field(|json| json["iss"] = json!("x")).contains("unknown field `iss`"));
    for name in ["issuer", "audience", "algorithms", "jwks", "routes"] {
        let error = field(|json| drop(json.as_object_mut().unwrap().remove(name)));
        assert!(error.contains(&format!("missing field `{name}`")), "{error}");
    }
    assert!(field(|json| json["algorithms"] = json!([])).starts_with("algorithms"));
    assert!(field(|json| json["algorithms"] = json!(["none"])).starts_with("algorithms"));
    assert!(field(|json| json["algorithms"] = json!(["HS256"])).starts_with("algorithms"));
    assert!(field(|json| json["issuer"] = json!("sso.example.com")).starts_with("issuer"));
    assert!(field(|json| json["routes"] = json!([])).starts_with("routes"));
    assert!(field(|json| json["jwks"]["refresh_seconds"] = json!(1)).starts_with("jwks.refresh_seconds"));
    for path in ["api", "/api/", "/a//b", "/a/../b", "/a;b", "/a%2fb", "/a?b"] {
        let error = field(|json| json["routes"][0]["match"] = json!({ "prefix": path }));
        assert!(error.starts_with("routes[0].match"), "{path}: {error}");
    }
    for header in ["x-postern-subject", "authorization", "x-postern-", "x-postern-E"] {
        let error = field(|json| json["routes"][0]["claims_to_headers"]["email"] = json!(header));
        assert!(error.starts_with("routes[0].claims_to_headers.email"), "{header}: {error}");
    }
    assert!(field(|json| json["routes"][0]["scopes"] = json!(["a b"])).starts_with("routes[0].scopes"));
    assert!(field(|json| json["clock_skew_seconds"] = json!(301)).starts_with("clock_skew_seconds"));
}

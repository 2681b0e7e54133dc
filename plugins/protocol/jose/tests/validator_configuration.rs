//! The token-validator's configuration: errors name the field.
#![allow(missing_docs)]

use postern_jose::validator::ValidatorConfiguration;
use serde_json::{Value, json};

fn configuration() -> Value {
    json!({
        "issuers": [{
            "issuer": "https://sso.example.com",
            "audiences": ["https://api.example.com"],
            "algorithms": ["RS256", "ES256"],
            "jwks": {"cluster": "postern", "authority": "sso.example.com", "path": "/oauth2/jwks"},
        }],
        "routes": [{
            "match": {"prefix": "/api"},
            "issuers": ["https://sso.example.com"],
            "scopes": ["orders.read"],
            "claims": [{"claim": ["realm_access", "roles"], "any_of": ["ops"]}],
            "claims_to_headers": [{"claim": "email", "header": "x-postern-email"}],
            "claims_to_log": ["sub"],
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
    for name in ["issuers", "routes"] {
        let error = field(|json| drop(json.as_object_mut().unwrap().remove(name)));
        assert!(error.contains(&format!("missing field `{name}`")), "{error}");
    }
    for name in ["issuer", "audiences", "algorithms", "jwks"] {
        let error = field(|json| drop(json["issuers"][0].as_object_mut().unwrap().remove(name)));
        assert!(error.contains(&format!("missing field `{name}`")), "{error}");
    }
    assert!(field(|json| json["issuers"] = json!([])).starts_with("issuers"));
    for (name, wrong) in [
        ("algorithms", json!([])),
        ("algorithms", json!(["none"])),
        ("algorithms", json!(["HS256"])),
        ("algorithms", json!(["ES256", "ES256"])),
        ("issuer", json!("sso.example.com")),
        ("audiences", json!([])),
        ("audiences", json!([""])),
        ("token_types", json!([])),
        ("max_token_lifetime_seconds", json!(86_401)),
    ] {
        let error = field(|json| json["issuers"][0][name] = wrong.clone());
        assert!(error.starts_with(&format!("issuers[0].{name}")), "{wrong}: {error}");
    }
    for (name, wrong) in [
        ("refresh_seconds", 1),
        ("min_refresh_seconds", 0),
        ("max_refresh_seconds", 59),
        ("max_stale_seconds", 604_801),
        ("timeout_milliseconds", 99),
        ("refetch_pause_seconds", 0),
    ] {
        let error = field(|json| json["issuers"][0]["jwks"][name] = json!(wrong));
        assert!(error.starts_with(&format!("issuers[0].jwks.{name}")), "{error}");
    }
    for path in ["api", "/api/", "/a//b", "/a/../b", "/a;b", "/a%2fb", "/a?b"] {
        let error = field(|json| json["routes"][0]["match"] = json!({ "prefix": path }));
        assert!(error.starts_with("routes[0].match"), "{path}: {error}");
    }
    for header in ["x-postern-subject", "authorization", "x-postern-", "x-postern-E"] {
        let error = field(|json| json["routes"][0]["claims_to_headers"][0]["header"] = json!(header));
        assert!(error.starts_with("routes[0].claims_to_headers[0].header"), "{header}: {error}");
    }
    for claims in [
        json!([{"claim": "a"}]),
        json!([{"claim": "a", "any_of": ["x"], "all_of": ["x"]}]),
        json!([{"claim": "a", "any_of": [["x"]]}]),
        json!([{"claim": [], "any_of": ["x"]}]),
        json!([{"claim": "", "any_of": ["x"]}]),
    ] {
        let error = field(|json| json["routes"][0]["claims"] = claims.clone());
        assert!(error.starts_with("routes[0].claims[0]"), "{claims}: {error}");
    }
    assert!(field(|json| json["routes"][0]["scopes"] = json!(["a b"])).starts_with("routes[0].scopes"));
    assert!(field(|json| json["routes"][0]["issuers"] = json!(["x"])).starts_with("routes[0].issuers"));
    assert!(field(|json| json["clock_skew_seconds"] = json!(301)).starts_with("clock_skew_seconds"));
}

/// Two issuers with one source of keys could sign for each other.
#[test]
fn issuers_stand_apart() {
    fn second(json: &mut Value, issuer: &str, path: &str) {
        let mut other = json["issuers"][0].clone();
        other["issuer"] = json!(issuer);
        other["jwks"]["path"] = json!(path);
        json["issuers"].as_array_mut().unwrap().push(other);
    }
    let error = field(|json| second(json, "https://sso.example.com", "/other"));
    assert!(error.starts_with("issuers[0]"), "{error}");
    let error = field(|json| second(json, "https://other.example.com", "/oauth2/jwks"));
    assert!(error.starts_with("issuers[0]"), "{error}");
    let mut json = configuration();
    second(&mut json, "https://other.example.com", "/other");
    assert!(ValidatorConfiguration::read(json.to_string().as_bytes()).is_ok());
}

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
    for name in ["issuer", "audiences"] {
        let error = field(|json| drop(json["issuers"][0].as_object_mut().unwrap().remove(name)));
        assert!(error.contains(&format!("missing field `{name}`")), "{error}");
    }
    assert!(field(|json| json["issuers"] = json!([])).starts_with("issuers"));
    let error = field(|json| drop(json["issuers"][0].as_object_mut().unwrap().remove("jwks")));
    assert!(error.starts_with("issuers[0].jwks"), "{error}");
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

/// The same, where the issuer is asked about tokens that are no JWT.
fn asking(change: impl FnOnce(&mut Value)) -> Value {
    let mut json = configuration();
    json["issuers"][0]["introspection"] = json!({
        "cluster": "postern", "authority": "sso.example.com", "path": "/oauth2/introspect",
        "client_id": "edge", "client_secret": "secret-of-the-edge",
    });
    change(&mut json);
    json
}

fn read(json: &Value) -> Result<ValidatorConfiguration, postern_refusal::Refusal> {
    ValidatorConfiguration::read(json.to_string().as_bytes())
}

#[test]
fn introspection_is_checked_and_its_secret_is_not_printed() {
    let good = read(&asking(|_| ())).unwrap();
    assert_eq!(read(&serde_json::to_value(&good).unwrap()).unwrap(), good);
    assert!(!format!("{good:?}").contains("secret-of-the-edge"));
    for (name, wrong) in [
        ("cluster", json!("")),
        ("path", json!("introspect")),
        ("client_id", json!("")),
        ("client_secret", json!("")),
        ("client_secret", json!("a\nb")),
        ("client_secret", json!("ö")),
        ("client_secret", json!(null)),
        ("client_secret_env", json!("ALSO")),
        ("authentication", json!("tls")),
        ("may_lack", json!(["aud", "aud"])),
        ("max_cache_seconds", json!(0)),
        ("max_cache_seconds", json!(3_601)),
        ("refused_cache_seconds", json!(61)),
        ("cached_tokens", json!(65_537)),
        ("cached_refusals", json!(0)),
        ("timeout_milliseconds", json!(30_001)),
        ("concurrent_calls", json!(129)),
        ("calls_per_second", json!(0)),
        ("client_calls_per_minute", json!(0)),
    ] {
        let refusal =
            read(&asking(|json| json["issuers"][0]["introspection"][name] = wrong.clone())).unwrap_err();
        assert_eq!(refusal.code, "token.configuration.invalid");
        let at = refusal.element.strip_prefix("issuers[0].introspection.").unwrap_or_default();
        let expected =
            if ["client_secret_env", "authentication"].contains(&name) { "client_secret" } else { name };
        assert_eq!(at, expected, "{name}: {refusal}");
    }
    for (name, wrong) in
        [("authentication", json!("none")), ("may_lack", json!(["active"])), ("secret", json!("x"))]
    {
        let json = asking(|json| json["issuers"][0]["introspection"][name] = wrong.clone());
        assert_eq!(read(&json).unwrap_err().code, "token.configuration.invalid", "{name}");
    }
    let no_keys = asking(|json| drop(json["issuers"][0].as_object_mut().unwrap().remove("jwks")));
    assert!(read(&no_keys).unwrap_err().element.contains("algorithms"));
}

#[test]
fn a_secret_comes_from_the_environment() {
    let json = asking(|json| {
        let asked = json["issuers"][0]["introspection"].as_object_mut().unwrap();
        asked.remove("client_secret");
        asked.insert("client_secret_env".into(), json!("EDGE_SECRET"));
    });
    let take = |value: Option<&str>| {
        let mut asked = read(&json).unwrap().issuers.remove(0).introspection.unwrap();
        asked.take_secret(|name| {
            assert_eq!(name, "EDGE_SECRET");
            value.map(|value| zeroize::Zeroizing::new(value.to_owned()))
        })?;
        Ok::<_, postern_refusal::Refusal>(asked)
    };
    let request = take(Some("a b&c")).unwrap().request("t").unwrap();
    // RFC 6749 section 2.3.1: `edge` and `a%20b%26c`, then base64.
    assert_eq!(request.authorization.as_deref().map(String::as_str), Some("Basic ZWRnZTphJTIwYiUyNmM="));
    assert_eq!(*request.body, "token=t&token_type_hint=access_token");
    for value in [None, Some(""), Some("a\nb")] {
        assert_eq!(take(value).unwrap_err().code, "token.configuration.invalid", "{value:?}");
    }
}

/// A token that names nobody is shown to one issuer alone, and a JWT to nobody but whom it names.
#[test]
fn each_token_has_one_judge() {
    use postern_jose::base64url_encode;
    use postern_jose::validator::Judge;
    fn add(json: &mut Value) {
        json["issuers"].as_array_mut().unwrap().push(json!({
            "issuer": "https://other.example.com", "audiences": ["https://api.example.com"],
            "introspection": {
                "cluster": "other", "authority": "other.example.com", "path": "/introspect",
                "client_id": "edge", "authentication": "tls",
            },
        }));
        json["routes"].as_array_mut().unwrap().push(json!({
            "match": {"prefix": "/other"}, "issuers": ["https://other.example.com"],
        }));
    }
    let configuration = read(&asking(add)).unwrap();
    let both = asking(|json| {
        add(json);
        json["routes"][0]["issuers"] = json!([]);
    });
    assert!(read(&both).unwrap_err().element.starts_with("routes[0].issuers"));
    let untimed = asking(|json| {
        json["issuers"][0]["introspection"]["may_lack"] = json!(["exp"]);
        json["routes"][0]["max_token_lifetime_seconds"] = json!(300);
    });
    assert!(read(&untimed).unwrap_err().element.contains("max_token_lifetime_seconds"));

    let jwt = |issuer: &str| {
        let payload = base64url_encode(format!(r#"{{"iss":"{issuer}"}}"#).as_bytes());
        format!("e30.{payload}.AAAA")
    };
    let judge = |route: usize, token: &str| match configuration.judge_of(&configuration.routes[route], token)
    {
        Judge::Keys => None,
        Judge::Introspection { position, .. } => Some(position),
    };
    for opaque in ["opaque", "a.b", "a.b.c.d.e"] {
        assert_eq!((judge(0, opaque), judge(1, opaque)), (Some(0), Some(1)), "{opaque}");
    }
    // Three parts are for the keys where there are some.
    assert_eq!(judge(0, "a.b.c"), None);
    assert_eq!(judge(0, &jwt("https://sso.example.com")), None);
    // Where there are none the issuer is asked about what it issued, and about what names nobody.
    assert_eq!(judge(1, &jwt("https://other.example.com")), Some(1));
    assert_eq!(judge(1, "a.b.c"), Some(1));
    assert_eq!(judge(1, &jwt("https://sso.example.com")), None);
    assert_eq!(judge(1, &jwt("https://nobody.example.com")), None);
}

//! The chains of filters, as Envoy's own configuration.

use std::path::PathBuf;

use postern_end_to_end::tools;
use postern_saml::{DecoderConfiguration, Policy, RelyingParty};
use postern_vectors::{Key, Keys, endpoint_policy, registry};
use serde_json::{Value, json};

use super::requests::{BASE_URL, HOST};
use super::row::Row;

/// Where the issuer's keys are, for the token validator.
pub(crate) const KEYS_CLUSTER: &str = "keys";
/// Their path.
pub(crate) const KEYS_PATH: &str = "/keys";
/// Paths that pass the native allowlists.
const PATHS: [&str; 8] = [
    "/samlsso",
    "/identity/metadata/saml2",
    "/oauth2/authorize",
    "/oauth2/token",
    "/oauth2/jwks",
    "/.well-known/openid-configuration",
    "/oidc/logout",
    "/orders/1",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Chain {
    Empty,
    Rbac,
    Lua,
    Noop,
    Endpoint,
    /// The endpoint filter with nothing to tell the LAN: what judging costs.
    EndpointJudging,
    /// Envoy's own filters that tell the LAN who asks, alone.
    ToldByEnvoy,
    /// As `postern edge config` writes it.
    EndpointByEnvoy,
    Saml,
    Token,
    Jwt,
    JwtCached,
    RbacJwt,
    RbacJwtCached,
    /// The same, and the claims as headers that the token validator hands on.
    RbacJwtHeaders,
    Three,
    Guard,
    /// As [`Self::EndpointJudging`]; what it tells of a token it tells.
    GuardJudging,
    GuardByEnvoy,
}

/// The chains of these rows, each once.
pub(super) fn needed(rows: &[Row]) -> Vec<Chain> {
    let mut chains = Vec::new();
    for row in rows {
        if !chains.contains(&row.chain) {
            chains.push(row.chain);
        }
    }
    chains
}

impl Chain {
    /// Its HTTP filters in order, without the router.
    pub(crate) fn filters(self) -> Vec<Value> {
        match self {
            Self::Empty => vec![],
            Self::Rbac => vec![rbac()],
            Self::Lua => vec![lua()],
            Self::Noop => vec![wasm("noop", tools::target().join("postern/bench/noop.wasm"), &json!({}))],
            Self::Endpoint => vec![endpoint("filter")],
            Self::EndpointJudging => vec![endpoint("proxy")],
            Self::ToldByEnvoy => told_by_envoy(None),
            Self::EndpointByEnvoy => told_by_envoy(Some(endpoint("proxy"))),
            Self::Saml => vec![saml()],
            Self::Token => vec![token(false)],
            Self::Jwt => vec![jwt_authn(false, false)],
            Self::JwtCached => vec![jwt_authn(true, false)],
            Self::RbacJwt => vec![rbac(), jwt_authn(false, false)],
            Self::RbacJwtCached => vec![rbac(), jwt_authn(true, false)],
            Self::RbacJwtHeaders => vec![rbac(), jwt_authn(true, true)],
            Self::Three => vec![endpoint("filter"), saml(), token(true)],
            Self::Guard => vec![guard("filter")],
            Self::GuardJudging => vec![guard("proxy")],
            Self::GuardByEnvoy => told_by_envoy(Some(guard("proxy"))),
        }
    }
}

fn rbac() -> Value {
    let permissions: Vec<_> =
        PATHS.iter().map(|path| json!({ "url_path": { "path": { "exact": path } } })).collect();
    json!({
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": { "action": "ALLOW", "policies": {
                "allowlist": { "permissions": permissions, "principals": [{ "any": true }] }
            } }
        }
    })
}

/// Members of a Lua table.
pub(crate) fn lua_paths() -> String {
    let paths: Vec<_> = PATHS.iter().map(|path| format!("[\"{path}\"]=true")).collect();
    paths.join(",")
}

fn lua() -> Value {
    let code = format!(
        "local allowed = {{{}}}
         function envoy_on_request(handle)
           local path = handle:headers():get(\":path\")
           local stop = string.find(path, \"?\", 1, true)
           if stop then path = string.sub(path, 1, stop - 1) end
           if not allowed[path] then handle:respond({{[\":status\"] = \"404\"}}, \"\") end
         end",
        lua_paths()
    );
    json!({
        "name": "envoy.filters.http.lua",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": { "inline_string": code }
        }
    })
}

fn endpoint(told_by: &str) -> Value {
    wasm("endpoint-filter", tools::filter("endpoint-filter"), &endpoint_configuration(told_by))
}

pub(crate) fn endpoint_configuration(told_by: &str) -> Value {
    let mut policy: Value = serde_json::from_str(&endpoint_policy(BASE_URL)).unwrap_or_default();
    policy["edge"] = json!({ "told_by": told_by });
    policy
}

fn guard(told_by: &str) -> Value {
    wasm("guard", tools::filter("guard"), &guard_configuration(told_by))
}

pub(crate) fn guard_configuration(told_by: &str) -> Value {
    json!({
        "endpoint": endpoint_configuration(told_by),
        "saml": saml_configuration(),
        "tokens": token_configuration(true, KEYS_CLUSTER)
    })
}

/// Envoy's own filters around one of ours, as `postern edge config` writes them.
fn told_by_envoy(filter: Option<Value>) -> Vec<Value> {
    let header = |key: &str, value: &str| {
        json!({ "append": {
            "header": { "key": key, "value": value },
            "append_action": "APPEND_IF_EXISTS_OR_ADD"
        } })
    };
    let state = json!({
        "name": "envoy.filters.http.set_filter_state",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
            "on_request_headers": [{
                "object_key": "wasm.postern.correlation",
                "factory_key": "envoy.string",
                "format_string": { "text_format_source": { "inline_string": "%UNIQUE_ID%" } }
            }]
        }
    });
    let headers = json!({
        "name": "envoy.filters.http.header_mutation",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
            "mutations": { "request_mutations": [
                header("x-postern-client-address", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"),
                header("x-postern-correlation-id", "%FILTER_STATE(wasm.postern.correlation:PLAIN)%")
            ] }
        }
    });
    [Some(state), filter, Some(headers)].into_iter().flatten().collect()
}

fn saml() -> Value {
    wasm("saml-decoder", tools::filter("saml-decoder"), &saml_configuration())
}

pub(crate) fn saml_configuration() -> Value {
    let parties = registry(Keys::shared(), BASE_URL)
        .into_iter()
        .filter(|registration| registration.module == "saml2")
        .filter_map(|registration| RelyingParty::from_json(registration.settings.to_string().as_bytes()).ok())
        .map(|party| party.edge())
        .collect();
    let policy = Policy::for_destination(&format!("{BASE_URL}/samlsso"));
    serde_json::to_value(DecoderConfiguration::new(policy, parties)).unwrap_or_default()
}

fn token(behind_endpoint_filter: bool) -> Value {
    wasm(
        "token-validator",
        tools::filter("token-validator"),
        &token_configuration(behind_endpoint_filter, KEYS_CLUSTER),
    )
}

pub(crate) fn token_configuration(behind_endpoint_filter: bool, cluster: &str) -> Value {
    json!({
        "issuers": [{
            "issuer": BASE_URL,
            "audiences": [BASE_URL],
            "algorithms": ["RS256", "ES256", "EdDSA"],
            "jwks": { "cluster": cluster, "authority": HOST, "path": KEYS_PATH }
        }],
        "behind_endpoint_filter": behind_endpoint_filter,
        "routes": [{ "match": { "prefix": "/orders" }, "scopes": ["orders.read"] }]
    })
}

/// The issuer's keys.
pub(crate) fn jwks() -> String {
    let keys = ["idp-rsa", "idp-ec", "idp-ed"]
        .map(|name| Keys::shared().get(name).map_or_else(String::new, Key::jwk));
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

fn jwt_authn(cache: bool, claims_to_headers: bool) -> Value {
    let mut provider = json!({
        "issuer": BASE_URL,
        "audiences": [BASE_URL],
        "local_jwks": { "inline_string": jwks() },
        "forward": true
    });
    if cache {
        provider["jwt_cache_config"] = json!({ "jwt_cache_size": 1024 });
    }
    if claims_to_headers {
        let header = |name: &str, claim: &str| json!({ "header_name": name, "claim_name": claim });
        provider["claim_to_headers"] = json!([
            header("x-postern-subject", "sub"),
            header("x-postern-client-id", "client_id"),
            header("x-postern-scope", "scope")
        ]);
    }
    json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": { "postern": provider },
            "rules": [{ "match": { "prefix": "/" }, "requires": { "provider_name": "postern" } }]
        }
    })
}

/// A wasm filter as `postern edge config` writes it.
fn wasm(name: &str, file: PathBuf, configuration: &Value) -> Value {
    json!({
        "name": format!("postern.{name}"),
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": name,
                "root_id": name,
                "failure_policy": "FAIL_RELOAD",
                "allow_on_headers_stop_iteration": true,
                "vm_config": {
                    "vm_id": format!("bench-{name}"),
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": { "local": { "filename": file } }
                },
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": configuration.to_string()
                }
            }
        }
    })
}

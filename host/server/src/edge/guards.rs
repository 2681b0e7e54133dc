//! The filters' configuration. Of a registration only what its module names for the edge leaves
//! the LAN.

use postern_edge::settings::{IntrospectedTokens, IntrospectionAuthentication};
use postern_edge::{CALLOUT_CLUSTER, Guard};
use postern_jose::validator::{
    ClientAuthentication, Introspection, Issuer, JwksSource, ReportOnly, Route, RoutePath,
    ValidatorConfiguration,
};
use postern_jose::{ACCESS_TOKEN_TYPES, DEFAULT_CLOCK_SKEW, MAX_TOKEN_LIFETIME};
use postern_kernel::flow::ModuleSet;
use postern_kernel::store::Application;
use postern_oauth::{AuthorizationClient, Registration};
use postern_oidc::{AuthorizationGuard, ENDPOINTS};
use postern_saml::{DecoderConfiguration, EdgeRelyingParty, ModuleSettings};
use serde_json::{Map, Value};

use crate::cli::Failure;
use crate::config::{Configuration, Edge, EdgeIntrospection, EdgeTokens, TokenRoute};

/// The module whose messages the SAML decoder judges.
const SAML: &str = "saml2";
/// The module that issues access tokens and judges them at userinfo.
const OIDC: &str = "oidc";
/// Where our published keys are.
const JWKS: &str = ENDPOINTS.jwks;
/// Where our own access tokens are used.
const USERINFO: &str = ENDPOINTS.userinfo;

/// The SAML decoder, when the module is enabled.
pub(super) fn saml_decoder(
    edge: &Edge,
    modules: &ModuleSet,
    applications: &[Application],
    configuration: &Configuration,
) -> Result<Option<Guard>, Failure> {
    let Some(enabled) = modules.protocols.get(SAML) else { return Ok(None) };
    let settings = ModuleSettings::from_json(&enabled.settings).map_err(Failure::usage)?;
    let fields = &enabled.module.description().edge_fields;
    let mut parties = Vec::new();
    for application in applications.iter().filter(|known| known.module == SAML && !known.disabled) {
        let party: EdgeRelyingParty = serde_json::from_value(reduced(&application.settings, fields)?)
            .map_err(|error| Failure::new(format!("registration of {}: {error}", application.identifier)))?;
        parties.push(party);
    }
    let mut decoder = DecoderConfiguration::new(settings.policy(&configuration.base_url), parties);
    decoder.report_only = edge.report_only(&postern_saml::SWITCHABLE);
    let configuration = serde_json::to_value(decoder).map_err(Failure::new)?;
    Ok(Some(Guard { wasm: edge.filters.join("saml-decoder.wasm"), configuration }))
}

/// The registration's members that the edge needs, and no others.
fn reduced(settings: &str, fields: &[String]) -> Result<Value, Failure> {
    let all: Map<String, Value> = serde_json::from_str(settings).map_err(Failure::new)?;
    Ok(Value::Object(all.into_iter().filter(|(name, _)| fields.contains(name)).collect()))
}

/// The token validator: where the operator says, or else where the enabled modules want a token.
/// It judges authorization requests too, when there are any.
pub(super) fn token_validator(
    edge: &Edge,
    endpoints: &[postern_endpoint::Endpoint],
    modules: &ModuleSet,
    applications: &[Application],
    configuration: &Configuration,
) -> Result<Option<Guard>, Failure> {
    let is_declared = |path| endpoints.iter().any(|endpoint| endpoint.path == path);
    let declared = is_declared(USERINFO);
    let tokens = match &edge.tokens {
        Some(tokens) => tokens.clone(),
        None if declared => EdgeTokens::for_path(USERINFO),
        None => return Ok(None),
    };
    let base_url = &configuration.base_url;
    let authority = base_url.strip_prefix("https://").unwrap_or_default();
    let asks_about_all =
        tokens.introspection.as_ref().is_some_and(|asked| asked.tokens == IntrospectedTokens::All);
    let validator = ValidatorConfiguration {
        issuers: vec![Issuer {
            issuer: tokens.issuer.unwrap_or_else(|| base_url.clone()),
            audiences: vec![tokens.audience.unwrap_or_else(|| base_url.clone())],
            algorithms: if asks_about_all { Vec::new() } else { tokens.algorithms },
            jwks: (!asks_about_all).then(|| JwksSource::new(CALLOUT_CLUSTER, authority, JWKS)),
            introspection: tokens.introspection.as_ref().map(|asked| introspection(asked, authority)),
            token_types: ACCESS_TOKEN_TYPES.map(str::to_owned).to_vec(),
            // What the LAN accepts: each application's registration says how long its tokens last.
            max_token_lifetime_seconds: MAX_TOKEN_LIFETIME,
        }],
        routes: tokens.routes.iter().map(route).collect(),
        dpop: None,
        behind_endpoint_filter: true,
        clock_skew_seconds: match modules.protocols.get(OIDC) {
            Some(enabled) => clock_skew(&enabled.settings)?,
            None => DEFAULT_CLOCK_SKEW,
        },
        cached_tokens: 1_024,
    };
    validator.check().map_err(|refusal| Failure::usage(format!("edge.tokens: {refusal}")))?;
    let mut configuration = serde_json::to_value(validator).map_err(Failure::new)?;
    if is_declared(ENDPOINTS.authorization)
        && let Some(members) = configuration.as_object_mut()
    {
        authorization(applications)?.put_into(members);
    }
    if let Some(members) = configuration.as_object_mut() {
        let switched = edge.report_only.iter().filter(|code| ReportOnly::new(vec![(*code).clone()]).is_ok());
        let switched = ReportOnly::new(switched.cloned().collect()).map_err(Failure::usage)?;
        switched.put_into(members);
    }
    Ok(Some(Guard { wasm: edge.filters.join("token-validator.wasm"), configuration }))
}

/// At our own endpoint, or another one of the public listener. The secret is the proxy's to know.
fn introspection(asked: &EdgeIntrospection, authority: &str) -> Introspection {
    let path = asked.path.as_deref().unwrap_or(ENDPOINTS.introspection);
    let mut settings = Introspection::new(CALLOUT_CLUSTER, authority, path, &asked.client_id);
    settings.client_secret_env = Some(asked.client_secret_env.clone());
    settings.authentication = match asked.authentication {
        IntrospectionAuthentication::Basic => ClientAuthentication::Basic,
        IntrospectionAuthentication::Post => ClientAuthentication::Post,
        IntrospectionAuthentication::Tls => ClientAuthentication::Tls,
    };
    if let Some(time) = asked.max_cache {
        settings.max_cache_seconds = time.0;
    }
    if let Some(calls) = asked.calls_per_second {
        settings.calls_per_second = calls;
    }
    if let Some(calls) = asked.client_calls_per_minute {
        settings.client_calls_per_minute = calls;
    }
    settings
}

/// The clients of the module, by what decides on authorization requests.
fn authorization(applications: &[Application]) -> Result<AuthorizationGuard, Failure> {
    let mut clients = Vec::new();
    for application in applications.iter().filter(|known| known.module == OIDC && !known.disabled) {
        let registration = Registration::read(application.settings.as_bytes())
            .map_err(|error| Failure::new(format!("registration of {}: {error}", application.identifier)))?;
        clients.push(AuthorizationClient::of(&registration));
    }
    AuthorizationGuard::new(vec![ENDPOINTS.authorization.to_owned()], clients).map_err(Failure::new)
}

/// The skew with which the module judges the same tokens.
fn clock_skew(settings: &str) -> Result<u64, Failure> {
    let settings: Map<String, Value> = serde_json::from_str(settings).map_err(Failure::new)?;
    match settings.get("clock_skew") {
        None => Ok(DEFAULT_CLOCK_SKEW),
        Some(skew) => {
            skew.as_u64().ok_or_else(|| Failure::usage("the setting clock_skew of oidc: must be a number"))
        }
    }
}

fn route(route: &TokenRoute) -> Route {
    let path = match (&route.exact, &route.prefix) {
        (Some(path), _) => RoutePath::Exact(path.clone()),
        (None, path) => RoutePath::Prefix(path.clone().unwrap_or_default()),
    };
    Route::new(path, route.scopes.clone())
}

#[cfg(test)]
mod tests {
    use super::{clock_skew, reduced};

    #[test]
    fn only_what_the_module_names_leaves_the_lan() {
        let settings = r#"{"entity_id":"https://sp.example","attributes":{"mail":"email"},"secret":"x"}"#;
        let left = reduced(settings, &["entity_id".into(), "signing_keys".into()]).unwrap();
        assert_eq!(left, serde_json::json!({ "entity_id": "https://sp.example" }));
    }

    #[test]
    fn the_skew_is_the_modules() {
        assert!(matches!(clock_skew("{}"), Ok(30)));
        assert!(matches!(clock_skew(r#"{"clock_skew":120,"code_lifetime":60}"#), Ok(120)));
        assert!(clock_skew(r#"{"clock_skew":"120"}"#).is_err());
    }
}

//! Bearer tokens: the token validator's configuration.

use postern_jose::validator::{
    ClaimHeader, ClaimPath, Issuer, JwksSource, Route, RoutePath, ValidatorConfiguration,
};
use postern_jose::{ACCESS_TOKEN_TYPES, DEFAULT_CLOCK_SKEW, MAX_TOKEN_LIFETIME};

use super::Problems;
use super::file::{EdgeFile, TokenRouteSection, TokensSection};
use crate::CALLOUT_CLUSTER;
use crate::policy::Guard;
use crate::preset::Preset;

/// The validator, when the file has the section.
pub(super) fn guard(file: &EdgeFile, preset: &Preset, problems: &mut Problems<'_>) -> Option<Guard> {
    let tokens = file.tokens.as_ref()?;
    let Some(keys) = tokens.keys.clone().or_else(|| preset.keys.clone()) else {
        problems.add("tokens.keys", "is missing: the path of the issuer's JWK Set at the identity provider");
        return None;
    };
    let mut routes = Vec::new();
    for (index, section) in tokens.routes.iter().enumerate() {
        match route(section) {
            Some(route) => routes.push(route),
            None => problems.add(
                &format!("tokens.routes.{index}"),
                "must have either `exact` or `prefix`, a path that begins with a slash",
            ),
        }
    }
    let validator = validator(tokens, keys, file.hosts.first()?, routes);
    if let Err(refusal) = validator.check() {
        problems.add(&field(&refusal.element), refusal.to_string());
    }
    let configuration = serde_json::to_value(validator).unwrap_or_default();
    Some(Guard { wasm: file.filters.directory.join("token-validator.wasm"), configuration })
}

fn validator(tokens: &TokensSection, keys: String, host: &str, routes: Vec<Route>) -> ValidatorConfiguration {
    ValidatorConfiguration {
        issuers: vec![Issuer {
            issuer: tokens.issuer.clone(),
            audiences: vec![tokens.audience.clone()],
            algorithms: tokens.algorithms.clone(),
            jwks: JwksSource::new(CALLOUT_CLUSTER, host, &keys),
            token_types: ACCESS_TOKEN_TYPES.map(str::to_owned).to_vec(),
            max_token_lifetime_seconds: MAX_TOKEN_LIFETIME,
        }],
        routes,
        dpop: None,
        behind_endpoint_filter: true,
        clock_skew_seconds: DEFAULT_CLOCK_SKEW,
        cached_tokens: 1_024,
    }
}

fn route(section: &TokenRouteSection) -> Option<Route> {
    let path = match (&section.exact, &section.prefix) {
        (Some(path), None) => RoutePath::Exact(path.clone()),
        (None, Some(path)) => RoutePath::Prefix(path.clone()),
        _ => return None,
    };
    let headers = section.claims_to_headers.iter();
    let claims_to_headers = headers
        .map(|(claim, header)| ClaimHeader { claim: ClaimPath::named(claim), header: header.clone() })
        .collect();
    Some(Route { claims_to_headers, ..Route::new(path, section.scopes.clone()) })
}

/// `routes[3].match` of the filter is `tokens.routes.3` here, `issuers[0].audiences` is
/// `tokens.audience`.
fn field(element: &str) -> String {
    let element = element.strip_prefix("issuers[0].").unwrap_or(element);
    let element = if element == "audiences" { "audience" } else { element };
    let name = element.split('.').next().unwrap_or_default().replace('[', ".").replace(']', "");
    let name = if name == "jwks" { "keys".to_owned() } else { name };
    format!("tokens.{name}")
}

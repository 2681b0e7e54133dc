//! Bearer tokens: the token validator's configuration.

use postern_jose::validator::{
    ClaimHeader, ClaimPath, ClaimRule, DpopSettings, Issuer, ReportOnly, Route, RoutePath,
    ValidatorConfiguration,
};
use postern_jose::{ACCESS_TOKEN_TYPES, DEFAULT_CLOCK_SKEW, MAX_TOKEN_LIFETIME};
use serde_json::Value;

use super::file::EdgeFile;
use super::key_sources::KeySources;
use super::token_sections::{
    DpopSection, IntrospectedTokens, TokenIssuerSection, TokenRouteSection, TokensSection,
};
use super::{Open, Problems, authorization, introspection, report_only};
use crate::policy::Guard;
use crate::preset::Preset;

/// The validator, when the file has the section.
pub(super) fn guard(
    file: &EdgeFile,
    preset: &Preset,
    sources: &mut KeySources,
    open: Open<'_>,
    problems: &mut Problems<'_>,
) -> Option<Guard> {
    let Some(tokens) = &file.tokens else {
        if file.authorization.is_some() {
            problems.add("authorization", "needs [tokens]: one filter does both");
        }
        return None;
    };
    let host = file.hosts.first()?;
    let issuers = issuers(tokens, preset, host, sources, open, problems)?;
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
    let validator = ValidatorConfiguration {
        issuers,
        routes,
        dpop: tokens.dpop.as_ref().map(|section| dpop(section, &file.hosts)),
        behind_endpoint_filter: true,
        clock_skew_seconds: tokens.clock_skew.map_or(DEFAULT_CLOCK_SKEW, |skew| skew.0),
        cached_tokens: tokens.cached_tokens.unwrap_or(1_024),
    };
    if let Err(refusal) = validator.check() {
        problems.add(&field(tokens, &refusal.element), refusal.to_string());
    }
    let mut configuration = serde_json::to_value(validator).unwrap_or_default();
    if let (Some(section), Value::Object(members)) = (&file.authorization, &mut configuration) {
        authorization::put_into(members, section, preset, problems);
    }
    if let Value::Object(members) = &mut configuration {
        match ReportOnly::new(report_only::of(file, &["token.", "oauth.", "jose."])) {
            Ok(report_only) => report_only.put_into(members),
            Err(refusal) => problems.add("report_only", refusal.to_string()),
        }
    }
    Some(Guard { wasm: file.filters.directory.join("token-validator.wasm"), configuration })
}

/// Either the one of the section itself, or those of its list.
fn issuers(
    tokens: &TokensSection,
    preset: &Preset,
    host: &str,
    sources: &mut KeySources,
    open: Open<'_>,
    problems: &mut Problems<'_>,
) -> Option<Vec<Issuer>> {
    let own = match (&tokens.issuer, &tokens.audience) {
        (Some(issuer), Some(audience)) => Some(TokenIssuerSection {
            issuer: issuer.clone(),
            audiences: vec![audience.clone()],
            algorithms: tokens.algorithms.clone(),
            token_types: None,
            keys: tokens.keys.clone(),
            keys_ca: tokens.keys_ca.clone(),
            max_lifetime: None,
            introspection: tokens.introspection.clone(),
        }),
        (None, None) => None,
        (Some(_), None) => {
            problems.add("tokens.audience", "is missing: what `aud` of the tokens has to name");
            return None;
        }
        (None, Some(_)) => {
            problems.add("tokens.issuer", "is missing: `iss` of the tokens");
            return None;
        }
    };
    let sections: Vec<&TokenIssuerSection> = match (&own, tokens.issuers.as_slice()) {
        (None, []) => {
            problems
                .add("tokens.issuer", "is missing, and so are [[tokens.issuers]]: whose tokens are good?");
            return None;
        }
        (Some(own), []) => vec![own],
        (None, several) => several.iter().collect(),
        (Some(_), _) => {
            problems.add("tokens.issuer", "stands beside [[tokens.issuers]]: write one or the other");
            return None;
        }
    };
    let mut issuers = Vec::new();
    for (index, section) in sections.into_iter().enumerate() {
        let at = if own.is_some() { "tokens".to_owned() } else { format!("tokens.issuers.{index}") };
        let asked = section.introspection.as_ref();
        let is_asked_about_all = asked.is_some_and(|asked| asked.tokens == IntrospectedTokens::All);
        let jwks = match section.keys.clone().or_else(|| preset.keys.clone()) {
            _ if is_asked_about_all => None,
            Some(keys) => Some(keys),
            None => {
                problems.add(
                    &format!("{at}.keys"),
                    "is missing: the path of the issuer's JWK Set at the identity provider",
                );
                return None;
            }
        };
        let jwks = match jwks {
            None => None,
            Some(keys) => match sources.source(&keys, section.keys_ca.as_deref(), host) {
                Ok(source) => Some(source),
                Err(problem) => {
                    problems.add(&format!("{at}.keys"), problem);
                    return None;
                }
            },
        };
        let asked = asked.map(|asked| {
            introspection::settings(asked, host, &format!("{at}.introspection"), open, problems)
        });
        issuers.push(Issuer {
            issuer: section.issuer.clone(),
            audiences: section.audiences.clone(),
            algorithms: if jwks.is_some() { section.algorithms.clone() } else { Vec::new() },
            jwks,
            introspection: asked,
            token_types: match &section.token_types {
                Some(types) => types.clone(),
                None => ACCESS_TOKEN_TYPES.map(str::to_owned).to_vec(),
            },
            max_token_lifetime_seconds: section
                .max_lifetime
                .map_or(MAX_TOKEN_LIFETIME, |lifetime| lifetime.0),
        });
    }
    Some(issuers)
}

fn dpop(section: &DpopSection, hosts: &[String]) -> DpopSettings {
    DpopSettings {
        origins: hosts.iter().map(|host| format!("https://{host}")).collect(),
        algorithms: section.algorithms.clone(),
        max_age_seconds: section.max_age.map_or(60, |age| age.0),
        remembered_proofs: section.remembered_proofs.unwrap_or(65_536),
        nonce_seconds: section.nonce.map(|nonce| nonce.0),
    }
}

fn route(section: &TokenRouteSection) -> Option<Route> {
    let path = match (&section.exact, &section.prefix) {
        (Some(path), None) => RoutePath::Exact(path.clone()),
        (None, Some(path)) => RoutePath::Prefix(path.clone()),
        _ => return None,
    };
    let headers = section.claims_to_headers.iter();
    let rules = section.claims.iter();
    Some(Route {
        issuers: section.issuers.clone(),
        clients: section.clients.clone(),
        claims: rules
            .map(|rule| ClaimRule {
                claim: ClaimPath::of(rule.claim.names()),
                any_of: rule.any_of.clone(),
                all_of: rule.all_of.clone(),
            })
            .collect(),
        max_token_lifetime_seconds: section.max_lifetime.map(|lifetime| lifetime.0),
        require_dpop: section.require_dpop,
        require_certificate: section.require_certificate,
        claims_to_headers: headers
            .map(|(claim, header)| ClaimHeader { claim: ClaimPath::named(claim), header: header.clone() })
            .collect(),
        claims_to_log: section.claims_to_log.iter().map(|claim| ClaimPath::of(claim.names())).collect(),
        ..Route::new(path, section.scopes.clone())
    })
}

/// `routes[3].match` of the filter is `tokens.routes.3` here; of the one issuer of the section
/// itself, `issuers[0].audiences` is `tokens.audience`.
fn field(tokens: &TokensSection, element: &str) -> String {
    let of_the_section = element.strip_prefix("issuers[0].").filter(|_| tokens.issuers.is_empty());
    if let Some(element) = of_the_section {
        let name = element.split('.').next().unwrap_or_default();
        return match name {
            "audiences" => "tokens.audience".to_owned(),
            "jwks" => "tokens.keys".to_owned(),
            "introspection" => format!("tokens.{}", element.trim_end_matches("_seconds")),
            name => format!("tokens.{name}"),
        };
    }
    let mut parts = element.split('.');
    let first = parts.next().unwrap_or_default().replace('[', ".").replace(']', "");
    match parts.next() {
        Some("jwks") => format!("tokens.{first}.keys"),
        Some("introspection") => {
            let element = element.trim_end_matches("_seconds");
            format!("tokens.{}", element.replace('[', ".").replace(']', ""))
        }
        Some(name) if first.starts_with("issuers.") => format!("tokens.{first}.{name}"),
        _ => format!("tokens.{first}"),
    }
}

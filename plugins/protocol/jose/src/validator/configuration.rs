//! The filter's configuration, as JSON. Whoever exports it and the filter itself use this type.

use std::collections::BTreeMap;

use crate::json::{Value, read_object};
use crate::limits::{DEFAULT_CLOCK_SKEW, MAX_CLOCK_SKEW, MAX_TOKEN_LIFETIME};
use crate::scope::Scopes;
use postern_refusal::Refusal;
use postern_signature::Algorithm;
use serde::{Deserialize, Serialize};

/// Headers that only the guards and the kernel set.
pub const RESERVED_PREFIX: &str = "x-postern-";

/// Most tokens that the filter remembers as verified.
pub const MAX_CACHED_TOKENS: usize = 65_536;

/// Most routes.
const MAX_ROUTES: usize = 1_024;

/// The whole configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorConfiguration {
    /// `iss` of the tokens, letter by letter.
    pub issuer: String,
    /// What `aud` has to name.
    pub audience: String,
    /// JWA names of acceptable algorithms.
    pub algorithms: Vec<String>,
    /// Where the issuer's keys are.
    pub jwks: JwksSource,
    /// The paths that need a token. All others pass.
    pub routes: Vec<Route>,
    /// Longest time from `iat` to `exp`, in seconds: 60 to 86,400.
    #[serde(default = "default_lifetime")]
    pub max_token_lifetime_seconds: u64,
    /// How far clocks may differ, in seconds: 0 to 300.
    #[serde(default = "default_skew")]
    pub clock_skew_seconds: u64,
    /// Verified tokens to remember, so that they are not verified again: 0 to 65,536.
    #[serde(default = "default_cache")]
    pub cached_tokens: usize,
    /// Whether the endpoint filter stands before this one in the same chain. It has stripped
    /// what clients sent in our name, and what it set itself has to stay. When false, every
    /// inbound header of the reserved prefix is stripped here.
    #[serde(default)]
    pub behind_endpoint_filter: bool,
}

/// The JWK Set, reached through a cluster of the proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwksSource {
    /// Name of the proxy's cluster.
    pub cluster: String,
    /// `Host` of the request.
    pub authority: String,
    /// Path of the request, such as `/oauth2/jwks`.
    pub path: String,
    /// Time between two fetches, in seconds: 30 to 86,400.
    #[serde(default = "default_refresh")]
    pub refresh_seconds: u64,
    /// Longest time of one fetch, in milliseconds: 100 to 60,000.
    #[serde(default = "default_timeout")]
    pub timeout_milliseconds: u64,
}

/// One guarded route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// `{"exact": "/orders"}` or `{"prefix": "/orders"}`.
    #[serde(rename = "match")]
    pub path: RoutePath,
    /// Scopes that the token has to have, all of them.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Claims handed on: name of the claim to name of the header, which starts with `x-postern-`.
    #[serde(default)]
    pub claims_to_headers: BTreeMap<String, String>,
}

/// What a route matches. Letters match in either case, and escaped characters match what they
/// stand for: a server in the LAN that does not tell them apart must not be reached without a
/// token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum RoutePath {
    /// This path alone, with or without a slash at its end.
    Exact(String),
    /// This path and all below it: `/orders` matches `/orders` and `/orders/1`, not `/orders1`.
    Prefix(String),
}

fn default_lifetime() -> u64 {
    3_600
}

fn default_skew() -> u64 {
    DEFAULT_CLOCK_SKEW
}

fn default_cache() -> usize {
    1_024
}

fn default_refresh() -> u64 {
    300
}

fn default_timeout() -> u64 {
    5_000
}

impl ValidatorConfiguration {
    /// Reads and checks the JSON.
    ///
    /// # Errors
    /// `token.configuration.invalid`, naming the field, and the `json.…` codes.
    pub fn read(json: &[u8]) -> Result<Self, Refusal> {
        let object = read_object("configuration", json)?;
        let configuration: Self = serde_json::from_value(Value::Object(object)).map_err(|error| {
            Refusal::configuration("token.configuration.invalid")
                .at("configuration")
                .expected("the token-validator's configuration")
                .found(&error.to_string())
        })?;
        configuration.check()?;
        Ok(configuration)
    }

    /// Checks every field.
    ///
    /// # Errors
    /// `token.configuration.invalid`, naming the field.
    pub fn check(&self) -> Result<(), Refusal> {
        demand("issuer", "an https or http URL", is_url(&self.issuer))?;
        demand("audience", "1 to 2,048 bytes", (1..=2_048).contains(&self.audience.len()))?;
        self.allowed_algorithms()?;
        self.jwks.check()?;
        demand("routes", "1 to 1,024 routes", (1..=MAX_ROUTES).contains(&self.routes.len()))?;
        for (position, route) in self.routes.iter().enumerate() {
            route.check(&format!("routes[{position}]"))?;
        }
        demand(
            "max_token_lifetime_seconds",
            "60 to 86,400",
            (60..=MAX_TOKEN_LIFETIME).contains(&self.max_token_lifetime_seconds),
        )?;
        demand("clock_skew_seconds", "300 at most", self.clock_skew_seconds <= MAX_CLOCK_SKEW)?;
        demand("cached_tokens", "65,536 at most", self.cached_tokens <= MAX_CACHED_TOKENS)
    }

    /// The algorithms by value.
    ///
    /// # Errors
    /// `token.configuration.invalid` when there is none, one twice, or one that nobody knows.
    pub fn allowed_algorithms(&self) -> Result<Vec<Algorithm>, Refusal> {
        let mut algorithms = Vec::new();
        for name in &self.algorithms {
            match Algorithm::from_jwa_name(name) {
                Some(algorithm) if !algorithms.contains(&algorithm) => algorithms.push(algorithm),
                _ => demand("algorithms", "JWA names, each once", false)?,
            }
        }
        demand("algorithms", "an algorithm", !algorithms.is_empty())?;
        Ok(algorithms)
    }
}

impl JwksSource {
    fn check(&self) -> Result<(), Refusal> {
        let visible = |text: &str| {
            (1..=2_048).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        demand("jwks.cluster", "the name of a cluster", visible(&self.cluster))?;
        demand("jwks.authority", "a host name", visible(&self.authority))?;
        demand("jwks.path", "an absolute path", self.path.starts_with('/') && visible(&self.path))?;
        demand("jwks.refresh_seconds", "30 to 86,400", (30..=86_400).contains(&self.refresh_seconds))?;
        demand(
            "jwks.timeout_milliseconds",
            "100 to 60,000",
            (100..=60_000).contains(&self.timeout_milliseconds),
        )
    }
}

impl Route {
    fn check(&self, at: &str) -> Result<(), Refusal> {
        let (RoutePath::Exact(path) | RoutePath::Prefix(path)) = &self.path;
        // The root as a prefix is written "/"; no other path ends with a slash when it is one.
        let prefix_end = matches!(self.path, RoutePath::Prefix(_)) && path.len() > 1 && path.ends_with('/');
        let segments = path.split('/').skip(1).all(|segment| segment != "." && segment != "..");
        let canonical = path.starts_with('/')
            && !path.contains("//")
            && path.len() <= 2_048
            && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,=:@".contains(&byte));
        demand(
            &format!("{at}.match"),
            "a canonical absolute path without query and, for a prefix, without a slash at its end",
            canonical && segments && !prefix_end,
        )?;
        if !self.scopes.is_empty() {
            let read = Scopes::read(&self.scopes.join(" "));
            let whole = read.is_ok_and(|scopes| scopes.tokens() == self.scopes);
            demand(&format!("{at}.scopes"), "scope tokens, each once", whole)?;
        }
        for (claim, header) in &self.claims_to_headers {
            let name = header.strip_prefix(RESERVED_PREFIX).unwrap_or_default();
            let good = !claim.is_empty()
                && (1..=64).contains(&name.len())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                && !["subject", "client-id", "scope"].contains(&name);
            demand(
                &format!("{at}.claims_to_headers.{claim}"),
                "a header x-postern-… in lower case that the filter does not set itself",
                good,
            )?;
        }
        Ok(())
    }
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && text.len() <= 2_048
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn demand(field: &str, expected: &str, holds: bool) -> Result<(), Refusal> {
    if holds {
        Ok(())
    } else {
        Err(Refusal::configuration("token.configuration.invalid").at(field).expected(expected))
    }
}

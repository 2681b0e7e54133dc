//! The guarded routes, as the operator writes them.

use super::claim_path::ClaimPath;
use super::configuration::{RESERVED_PREFIX, demand};
use crate::json::Value;
use crate::limits::MAX_TOKEN_LIFETIME;
use crate::scope::Scopes;
use postern_refusal::Refusal;
use serde::{Deserialize, Serialize};

/// Most entries of each list of a route.
const MAX_ENTRIES: usize = 64;

/// One guarded route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// `{"exact": "/orders"}` or `{"prefix": "/orders"}`.
    #[serde(rename = "match")]
    pub path: RoutePath,
    /// Issuers whose tokens are accepted here. Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issuers: Vec<String>,
    /// Scopes that the token has to have, all of them.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// What claims of the token have to be, all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ClaimRule>,
    /// Clients (`client_id`, or `azp`) whose tokens are accepted here. Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<String>,
    /// Longest time from `iat` to `exp` on this route, in seconds. Default: that of the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_token_lifetime_seconds: Option<u64>,
    /// Whether a token is accepted with a proof of its client's key alone (RFC 9449).
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub require_dpop: bool,
    /// Whether a token is accepted with its client's certificate alone (RFC 8705 section 3).
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub require_certificate: bool,
    /// Claims handed on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims_to_headers: Vec<ClaimHeader>,
    /// Claims for the proxy's access log, in its filter state `wasm.postern.token`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims_to_log: Vec<ClaimPath>,
}

/// What a claim has to be: one of `any_of`, or all of `all_of`. A claim that is an array has each
/// of its elements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimRule {
    /// Which claim.
    pub claim: ClaimPath,
    /// Strings, numbers or booleans, of which the claim has one at least.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub any_of: Vec<Value>,
    /// Strings, numbers or booleans, all of which the claim has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub all_of: Vec<Value>,
}

/// A claim handed on in a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimHeader {
    /// Which claim.
    pub claim: ClaimPath,
    /// Name of the header, which starts with `x-postern-`.
    pub header: String,
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

impl Route {
    /// A route that needs these scopes and nothing else.
    pub fn new(path: RoutePath, scopes: Vec<String>) -> Self {
        Self {
            path,
            issuers: Vec::new(),
            scopes,
            claims: Vec::new(),
            clients: Vec::new(),
            max_token_lifetime_seconds: None,
            require_dpop: false,
            require_certificate: false,
            claims_to_headers: Vec::new(),
            claims_to_log: Vec::new(),
        }
    }

    /// Whether tokens of that issuer are accepted here.
    pub fn accepts(&self, issuer: &str) -> bool {
        self.issuers.is_empty() || self.issuers.iter().any(|own| own == issuer)
    }

    pub(super) fn check(&self, at: &str) -> Result<(), Refusal> {
        self.path.check(&format!("{at}.match"))?;
        if !self.scopes.is_empty() {
            let read = Scopes::read(&self.scopes.join(" "));
            let whole = read.is_ok_and(|scopes| scopes.tokens() == self.scopes);
            demand(&format!("{at}.scopes"), "scope tokens, each once", whole)?;
        }
        demand(&format!("{at}.claims"), "64 at most", self.claims.len() <= MAX_ENTRIES)?;
        for (position, rule) in self.claims.iter().enumerate() {
            rule.check(&format!("{at}.claims[{position}]"))?;
        }
        let name = |text: &String| (1..=2_048).contains(&text.len());
        let clients = self.clients.len() <= 1_024 && self.clients.iter().all(name);
        demand(&format!("{at}.clients"), "1,024 clients at most, none empty", clients)?;
        let lifetime = self.max_token_lifetime_seconds.unwrap_or(MAX_TOKEN_LIFETIME);
        let in_range = (60..=MAX_TOKEN_LIFETIME).contains(&lifetime);
        demand(&format!("{at}.max_token_lifetime_seconds"), "60 to 86,400", in_range)?;
        let headers = self.claims_to_headers.len() <= MAX_ENTRIES;
        demand(&format!("{at}.claims_to_headers"), "64 at most", headers)?;
        for (position, header) in self.claims_to_headers.iter().enumerate() {
            let at = format!("{at}.claims_to_headers[{position}]");
            header.check(&at)?;
            let mut later = self.claims_to_headers.iter().skip(position.saturating_add(1));
            demand(&at, "each header once", later.all(|other| other.header != header.header))?;
        }
        demand(&format!("{at}.claims_to_log"), "64 at most", self.claims_to_log.len() <= MAX_ENTRIES)?;
        self.claims_to_log.iter().try_for_each(|claim| claim.check(&format!("{at}.claims_to_log")))
    }
}

impl ClaimRule {
    fn check(&self, at: &str) -> Result<(), Refusal> {
        self.claim.check(&format!("{at}.claim"))?;
        let scalar = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
        let wanted = || self.any_of.iter().chain(&self.all_of);
        let one = self.any_of.is_empty() != self.all_of.is_empty();
        demand(
            at,
            "either any_of or all_of, with 1 to 64 strings, numbers or booleans",
            one && wanted().count() <= MAX_ENTRIES && wanted().all(scalar),
        )
    }
}

impl ClaimHeader {
    fn check(&self, at: &str) -> Result<(), Refusal> {
        self.claim.check(&format!("{at}.claim"))?;
        let name = self.header.strip_prefix(RESERVED_PREFIX).unwrap_or_default();
        let good = (1..=64).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !["subject", "client-id", "scope"].contains(&name);
        demand(
            &format!("{at}.header"),
            "a header x-postern-… in lower case that the filter does not set itself",
            good,
        )
    }
}

impl RoutePath {
    fn check(&self, at: &str) -> Result<(), Refusal> {
        let (Self::Exact(path) | Self::Prefix(path)) = self;
        // The root as a prefix is written "/"; no other path ends with a slash when it is one.
        let prefix_end = matches!(self, Self::Prefix(_)) && path.len() > 1 && path.ends_with('/');
        let segments = path.split('/').skip(1).all(|segment| segment != "." && segment != "..");
        let canonical = path.starts_with('/')
            && !path.contains("//")
            && path.len() <= 2_048
            && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,=:@".contains(&byte));
        demand(
            at,
            "a canonical absolute path without query and, for a prefix, without a slash at its end",
            canonical && segments && !prefix_end,
        )
    }
}

//! The filter's configuration, as JSON. Whoever exports it and the filter itself use this type.

use super::dpop_settings::DpopSettings;
use super::introspection_settings::{Introspection, Member};
use super::issuer::Issuer;
use super::route_configuration::Route;
use crate::base64url;
use crate::json::{Object, Value, read_object};
use crate::limits::{DEFAULT_CLOCK_SKEW, MAX_CLOCK_SKEW};
use postern_refusal::Refusal;
use serde::{Deserialize, Serialize};

/// Headers that only the guards and the kernel set.
pub const RESERVED_PREFIX: &str = "x-postern-";

/// Most tokens that the filter remembers as verified.
pub const MAX_CACHED_TOKENS: usize = 65_536;

/// Most issuers.
pub const MAX_ISSUERS: usize = 16;

/// Most routes.
const MAX_ROUTES: usize = 1_024;

/// The whole configuration, but for the member `authorization`, whose rule is `postern-oidc`'s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorConfiguration {
    /// Who may issue tokens: 1 to 16. `iss` of a token, letter by letter, chooses one of them, and
    /// with it the keys; no two have the same name or the same source of keys.
    pub issuers: Vec<Issuer>,
    /// The paths that need a token. All others pass.
    pub routes: Vec<Route>,
    /// How far clocks may differ, in seconds: 0 to 300.
    #[serde(default = "default_skew")]
    pub clock_skew_seconds: u64,
    /// Verified tokens to remember, so that they are not verified again: 0 to 65,536.
    #[serde(default = "default_cache")]
    pub cached_tokens: usize,
    /// Tokens that are bound to a key of their client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop: Option<DpopSettings>,
    /// Whether the endpoint filter stands before this one in the same chain. It has stripped
    /// what clients sent in our name, and what it set itself has to stay. When false, every
    /// inbound header of the reserved prefix is stripped here.
    #[serde(default)]
    pub behind_endpoint_filter: bool,
}

fn default_skew() -> u64 {
    DEFAULT_CLOCK_SKEW
}

fn default_cache() -> usize {
    1_024
}

impl ValidatorConfiguration {
    /// Reads and checks the JSON.
    ///
    /// # Errors
    /// `token.configuration.invalid`, naming the field, and the `json.…` codes.
    pub fn read(json: &[u8]) -> Result<Self, Refusal> {
        Self::from_object(read_object("configuration", json)?)
    }

    /// Reads and checks the members.
    ///
    /// # Errors
    /// `token.configuration.invalid`, naming the field.
    pub fn from_object(object: Object) -> Result<Self, Refusal> {
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
        demand("issuers", "1 to 16 issuers", (1..=MAX_ISSUERS).contains(&self.issuers.len()))?;
        for (position, issuer) in self.issuers.iter().enumerate() {
            issuer.check(&format!("issuers[{position}]"))?;
            let mut others = self.issuers.iter().skip(position.saturating_add(1));
            let is_apart = |other: &Issuer| issuer.is_apart_from(other);
            demand(
                &format!("issuers[{position}]"),
                "another name and other keys than every other issuer",
                others.all(is_apart),
            )?;
        }
        demand("routes", "1 to 1,024 routes", (1..=MAX_ROUTES).contains(&self.routes.len()))?;
        for (position, route) in self.routes.iter().enumerate() {
            let at = format!("routes[{position}]");
            route.check(&at)?;
            let known = |name: &String| self.issuers.iter().any(|issuer| issuer.issuer == *name);
            demand(&format!("{at}.issuers"), "names of `issuers`", route.issuers.iter().all(known))?;
            self.check_introspection(&at, route)?;
        }
        if let Some(dpop) = &self.dpop {
            dpop.check()?;
        }
        let can_prove = self.dpop.is_some() || !self.routes.iter().any(|route| route.require_dpop);
        demand("dpop", "settings, as a route requires it", can_prove)?;
        demand("clock_skew_seconds", "300 at most", self.clock_skew_seconds <= MAX_CLOCK_SKEW)?;
        demand("cached_tokens", "65,536 at most", self.cached_tokens <= MAX_CACHED_TOKENS)
    }

    /// A token that names nobody is shown to one issuer, and never to another to try. Where answers
    /// may lack its times, no route can judge a lifetime.
    fn check_introspection(&self, at: &str, route: &Route) -> Result<(), Refusal> {
        let mut asked = self.issuers.iter().filter(|issuer| route.accepts(&issuer.issuer));
        let mut asked = asked.by_ref().filter_map(|issuer| issuer.introspection.as_ref());
        let first = asked.next();
        let one = "one issuer with introspection at most: a token is shown to nobody else";
        demand(&format!("{at}.issuers"), one, asked.next().is_none())?;
        let lacks_times =
            first.is_some_and(|first| first.may_lack(Member::Exp) || first.may_lack(Member::Iat));
        demand(
            &format!("{at}.max_token_lifetime_seconds"),
            "none where an issuer's answers may lack exp or iat",
            !lacks_times || route.max_token_lifetime_seconds.is_none(),
        )
    }

    /// Who is to say whether a token is good at a route: the keys of the issuer that it names, or one
    /// issuer that is asked. A JWT names its issuer, and goes to nobody else.
    pub fn judge_of(&self, route: &Route, token: &str) -> Judge<'_> {
        let mut accepted = self.issuers.iter().enumerate().filter(|(_, one)| route.accepts(&one.issuer));
        let Some((position, issuer, asked)) =
            accepted.find_map(|(position, issuer)| Some((position, issuer, issuer.introspection.as_ref()?)))
        else {
            return Judge::Keys;
        };
        let asks = Judge::Introspection { position, issuer, settings: asked };
        if !has_jwt_form(token) {
            return asks;
        }
        match (claimed_issuer(token), &issuer.jwks) {
            (_, Some(_)) => Judge::Keys,
            (Some(claimed), None) if claimed != issuer.issuer => Judge::Keys,
            (_, None) => asks,
        }
    }
}

/// Who judges a token.
#[derive(Clone, Copy, Debug)]
pub enum Judge<'a> {
    /// The keys of the issuer that it claims.
    Keys,
    /// This issuer, which is asked.
    Introspection {
        /// Its place among `issuers`.
        position: usize,
        /// The issuer.
        issuer: &'a Issuer,
        /// How it is asked.
        settings: &'a Introspection,
    },
}

/// Three parts, divided by dots (RFC 7519 section 3).
fn has_jwt_form(token: &str) -> bool {
    token.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// What a JWT of any kind says about who issued it: never a fact.
fn claimed_issuer(token: &str) -> Option<String> {
    let payload = base64url::decode("payload", token.split('.').nth(1)?).ok()?;
    let claims = read_object("payload", &payload).ok()?;
    claims.get("iss")?.as_str().map(str::to_owned)
}

pub(super) fn demand(field: &str, expected: &str, holds: bool) -> Result<(), Refusal> {
    if holds {
        Ok(())
    } else {
        Err(Refusal::configuration("token.configuration.invalid").at(field).expected(expected))
    }
}

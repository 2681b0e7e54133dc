//! An issuer of tokens, bound to its keys.

use super::configuration::demand;
use super::introspection_settings::Introspection;
use crate::access_token::ACCESS_TOKEN_TYPES;
use crate::limits::MAX_TOKEN_LIFETIME;
use postern_refusal::Refusal;
use postern_signature::Algorithm;
use serde::{Deserialize, Serialize};

/// Who issues tokens, and what its tokens have to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// `iss` of the tokens, letter by letter.
    pub issuer: String,
    /// One of them has to be in `aud`: 1 to 16.
    pub audiences: Vec<String>,
    /// JWA names of acceptable algorithms; none without `jwks`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub algorithms: Vec<String>,
    /// Where the issuer's keys are. Without them the issuer is asked about every token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<JwksSource>,
    /// Where the issuer is asked about tokens: about those that are no JWT, or without `jwks` about
    /// all of them. Without it a token that is no JWT is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection: Option<Introspection>,
    /// Acceptable values of `typ`. Default: those of RFC 9068. With `JWT`, nothing but the
    /// audience tells an access token from an ID token.
    #[serde(default = "default_types")]
    pub token_types: Vec<String>,
    /// Longest time from `iat` to `exp`, in seconds: 60 to 86,400.
    #[serde(default = "default_lifetime")]
    pub max_token_lifetime_seconds: u64,
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
    /// Time between two fetches, in seconds, when the answer has no `Cache-Control: max-age`:
    /// 30 to 86,400.
    #[serde(default = "default_refresh")]
    pub refresh_seconds: u64,
    /// The shortest time that `max-age` can ask for, in seconds: 1 to 86,400.
    #[serde(default = "default_shortest")]
    pub min_refresh_seconds: u64,
    /// The longest time that `max-age` can ask for, in seconds: 1 to 86,400. A key that the
    /// issuer withdraws is accepted so long.
    #[serde(default = "default_longest")]
    pub max_refresh_seconds: u64,
    /// How long keys are used beyond that time while the issuer can't be reached, in seconds:
    /// 0 to 604,800. After that the answer is 503.
    #[serde(default = "default_stale")]
    pub max_stale_seconds: u64,
    /// Shortest time between two fetches that an unknown `kid` asks for, in seconds: 1 to 3,600.
    /// Whoever invents key ids can make the issuer work no more often than this.
    #[serde(default = "default_pause")]
    pub refetch_pause_seconds: u64,
    /// Longest time of one fetch, in milliseconds: 100 to 60,000. A request that needs the keys
    /// waits for it.
    #[serde(default = "default_timeout")]
    pub timeout_milliseconds: u64,
}

fn default_types() -> Vec<String> {
    ACCESS_TOKEN_TYPES.map(str::to_owned).to_vec()
}

fn default_lifetime() -> u64 {
    3_600
}

fn default_refresh() -> u64 {
    300
}

fn default_shortest() -> u64 {
    60
}

fn default_longest() -> u64 {
    3_600
}

fn default_stale() -> u64 {
    86_400
}

fn default_pause() -> u64 {
    30
}

fn default_timeout() -> u64 {
    5_000
}

impl Issuer {
    pub(super) fn check(&self, at: &str) -> Result<(), Refusal> {
        demand(&format!("{at}.issuer"), "an https or http URL", is_url(&self.issuer))?;
        let audiences = (1..=16).contains(&self.audiences.len())
            && self.audiences.iter().all(|audience| (1..=2_048).contains(&audience.len()));
        demand(&format!("{at}.audiences"), "1 to 16 of 1 to 2,048 bytes", audiences)?;
        match &self.jwks {
            Some(jwks) => {
                self.allowed_algorithms().map_err(|refusal| refusal.at(&format!("{at}.algorithms")))?;
                jwks.check(&format!("{at}.jwks"))?;
            }
            None => {
                let asked = self.introspection.is_some();
                demand(&format!("{at}.jwks"), "a source of keys, or introspection", asked)?;
                let none = "none without jwks: no signature is verified here";
                demand(&format!("{at}.algorithms"), none, self.algorithms.is_empty())?;
            }
        }
        if let Some(introspection) = &self.introspection {
            introspection.check(&format!("{at}.introspection"))?;
        }
        let types = (1..=4).contains(&self.token_types.len())
            && self.token_types.iter().all(|name| {
                (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
            });
        demand(&format!("{at}.token_types"), "1 to 4 values of typ", types)?;
        demand(
            &format!("{at}.max_token_lifetime_seconds"),
            "60 to 86,400",
            (60..=MAX_TOKEN_LIFETIME).contains(&self.max_token_lifetime_seconds),
        )
    }

    /// Whether the other one could be mistaken for this one: by its name, its keys, or where it is asked.
    pub(super) fn is_apart_from(&self, other: &Self) -> bool {
        let same_keys = self.jwks.as_ref().zip(other.jwks.as_ref()).is_some_and(|(a, b)| a.is_same_place(b));
        let asked = self.introspection.as_ref().zip(other.introspection.as_ref());
        self.issuer != other.issuer && !same_keys && !asked.is_some_and(|(a, b)| a.is_same_place(b))
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
    /// The source with the default times.
    pub fn new(cluster: &str, authority: &str, path: &str) -> Self {
        Self {
            cluster: cluster.to_owned(),
            authority: authority.to_owned(),
            path: path.to_owned(),
            refresh_seconds: default_refresh(),
            min_refresh_seconds: default_shortest(),
            max_refresh_seconds: default_longest(),
            max_stale_seconds: default_stale(),
            refetch_pause_seconds: default_pause(),
            timeout_milliseconds: default_timeout(),
        }
    }

    /// Longest time of one fetch, in whole seconds.
    pub fn timeout_seconds(&self) -> u64 {
        self.timeout_milliseconds.div_ceil(1_000)
    }

    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        self.cluster == other.cluster && self.authority == other.authority && self.path == other.path
    }

    fn check(&self, at: &str) -> Result<(), Refusal> {
        let visible = |text: &str| {
            (1..=2_048).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        demand(&format!("{at}.cluster"), "the name of a cluster", visible(&self.cluster))?;
        demand(&format!("{at}.authority"), "a host name", visible(&self.authority))?;
        let path = self.path.starts_with('/') && visible(&self.path);
        demand(&format!("{at}.path"), "an absolute path", path)?;
        for (name, shortest, seconds) in [
            ("refresh_seconds", 30, self.refresh_seconds),
            ("min_refresh_seconds", 1, self.min_refresh_seconds),
            ("max_refresh_seconds", 1, self.max_refresh_seconds),
        ] {
            let expected = format!("{shortest} to 86,400");
            demand(&format!("{at}.{name}"), &expected, (shortest..=86_400).contains(&seconds))?;
        }
        let pause = (1..=3_600).contains(&self.refetch_pause_seconds);
        demand(&format!("{at}.refetch_pause_seconds"), "1 to 3,600", pause)?;
        demand(
            &format!("{at}.max_refresh_seconds"),
            "no less than min_refresh_seconds",
            self.min_refresh_seconds <= self.max_refresh_seconds,
        )?;
        demand(&format!("{at}.max_stale_seconds"), "604,800 at most", self.max_stale_seconds <= 604_800)?;
        demand(
            &format!("{at}.timeout_milliseconds"),
            "100 to 60,000",
            (100..=60_000).contains(&self.timeout_milliseconds),
        )
    }
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && text.len() <= 2_048
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

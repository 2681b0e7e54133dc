//! How an issuer is asked about tokens (RFC 7662).

use super::configuration::demand;
use postern_form::encode;
use postern_refusal::Refusal;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Longest client secret, in bytes.
const MAX_SECRET: usize = 1_024;

/// The introspection endpoint, reached through a cluster of the proxy, and who asks there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Introspection {
    /// Name of the proxy's cluster.
    pub cluster: String,
    /// `Host` of the request.
    pub authority: String,
    /// Path of the request, such as `/oauth2/introspect`.
    pub path: String,
    /// As whom the proxy asks.
    pub client_id: String,
    /// How it proves that.
    #[serde(default)]
    pub authentication: ClientAuthentication,
    /// Its secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<ClientSecret>,
    /// The environment variable of the proxy that holds its secret, instead of `client_secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_env: Option<String>,
    /// Members that an answer may lack, although a rule judges them. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_lack: Vec<Member>,
    /// Longest time that an answer is good for, in seconds: 1 to 3,600, and never beyond `exp`. A token
    /// that is revoked is accepted for so long.
    #[serde(default = "default_cache_time")]
    pub max_cache_seconds: u64,
    /// How long a token that was refused is refused again without asking, in seconds: 1 to 60.
    #[serde(default = "default_refusal_time")]
    pub refused_cache_seconds: u64,
    /// Tokens whose answers each worker remembers: 16 to 65,536.
    #[serde(default = "default_tokens")]
    pub cached_tokens: usize,
    /// Refused tokens that each worker remembers: 16 to 65,536.
    #[serde(default = "default_tokens")]
    pub cached_refusals: usize,
    /// Longest time of one call, in milliseconds: 100 to 30,000. The request waits for it.
    #[serde(default = "default_timeout")]
    pub timeout_milliseconds: u64,
    /// Calls that one worker has under way at a time for tokens that nobody has seen, and as many for
    /// those that were good: 1 to 128.
    #[serde(default = "default_concurrency")]
    pub concurrent_calls: usize,
    /// Calls a second of all workers for tokens that nobody has seen: 1 to 10,000. Those for tokens that
    /// were good a moment ago have a share of their own of the same size.
    #[serde(default = "default_rate")]
    pub calls_per_second: u32,
    /// Calls a minute that the unseen tokens of one client cause: 1 to 10,000. A client is an IPv4
    /// address or an IPv6 network of 64 bits.
    #[serde(default = "default_client_rate")]
    pub client_calls_per_minute: u32,
}

/// How the proxy authenticates (RFC 6749 section 2.3.1, RFC 8705 section 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuthentication {
    /// By its secret in the header `Authorization`.
    #[default]
    Basic,
    /// By its secret in the body.
    Post,
    /// By the certificate with which the proxy connects to the cluster.
    Tls,
}

/// A member of an answer that a rule judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Member {
    /// The issuer is the one that was asked.
    Iss,
    /// The issuer's word that the token is good is enough: for whom it is, is not known.
    Aud,
    /// The answer is good for `max_cache_seconds`.
    Exp,
    /// The lifetime of the token is not judged.
    Iat,
    /// A token without a person stands for its client (RFC 9068 section 2.2).
    Sub,
    /// Then nothing tells an access token from a refresh token.
    TokenType,
}

/// A client secret, which is never printed and wiped after use. It is written where a configuration is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct ClientSecret(Zeroizing<String>);

impl ClientSecret {
    /// Takes the text over.
    pub fn new(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

impl From<String> for ClientSecret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<ClientSecret> for String {
    fn from(secret: ClientSecret) -> Self {
        secret.0.as_str().to_owned()
    }
}

impl core::fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ClientSecret")
    }
}

/// What is sent about a token. It is a secret from end to end, and has no `Debug`.
pub struct IntrospectionRequest {
    /// The header `Authorization`, where the client proves itself there.
    pub authorization: Option<Zeroizing<String>>,
    /// The form.
    pub body: Zeroizing<String>,
}

fn default_cache_time() -> u64 {
    30
}

fn default_refusal_time() -> u64 {
    10
}

fn default_tokens() -> usize {
    1_024
}

fn default_timeout() -> u64 {
    3_000
}

fn default_concurrency() -> usize {
    16
}

fn default_rate() -> u32 {
    50
}

fn default_client_rate() -> u32 {
    60
}

impl Introspection {
    /// The settings with their defaults: no secret yet.
    pub fn new(cluster: &str, authority: &str, path: &str, client_id: &str) -> Self {
        Self {
            cluster: cluster.to_owned(),
            authority: authority.to_owned(),
            path: path.to_owned(),
            client_id: client_id.to_owned(),
            authentication: ClientAuthentication::Basic,
            client_secret: None,
            client_secret_env: None,
            may_lack: Vec::new(),
            max_cache_seconds: default_cache_time(),
            refused_cache_seconds: default_refusal_time(),
            cached_tokens: default_tokens(),
            cached_refusals: default_tokens(),
            timeout_milliseconds: default_timeout(),
            concurrent_calls: default_concurrency(),
            calls_per_second: default_rate(),
            client_calls_per_minute: default_client_rate(),
        }
    }

    /// Whether an answer may lack that member.
    pub fn may_lack(&self, member: Member) -> bool {
        self.may_lack.contains(&member)
    }

    /// Longest time of one call, in whole seconds.
    pub fn timeout_seconds(&self) -> u64 {
        self.timeout_milliseconds.div_ceil(1_000)
    }

    /// Takes the secret from the environment, when that is where it is.
    ///
    /// # Errors
    /// `token.configuration.invalid`: the variable is not there, or can't be a secret.
    pub fn take_secret(
        &mut self,
        variable: impl FnOnce(&str) -> Option<Zeroizing<String>>,
    ) -> Result<(), Refusal> {
        let Some(name) = &self.client_secret_env else { return Ok(()) };
        let secret = variable(name).map(ClientSecret).filter(ClientSecret::is_good).ok_or_else(|| {
            Refusal::configuration("token.configuration.invalid")
                .at("introspection.client_secret_env")
                .expected(&format!("the secret in the environment variable {name}"))
        })?;
        self.client_secret = Some(secret);
        Ok(())
    }

    /// What is sent about a token: none when the secret is missing, which [`Self::take_secret`] has said.
    pub fn request(&self, token: &str) -> Option<IntrospectionRequest> {
        let encoded = |text: &str| Zeroizing::new(encode(text));
        let (id, token) = (encode(&self.client_id), encoded(token));
        // With room for all of it: what grows leaves copies behind.
        let longest = token.len().saturating_add(id.len()).saturating_add(MAX_SECRET.saturating_mul(4));
        let mut body = Zeroizing::new(String::with_capacity(longest.saturating_add(128)));
        for part in ["token=", &token, "&token_type_hint=access_token"] {
            body.push_str(part);
        }
        let mut authorization = None;
        match self.authentication {
            ClientAuthentication::Basic => {
                let secret = encoded(&self.client_secret.as_ref()?.0);
                // RFC 6749 section 2.3.1: each of them encoded as in a form.
                let credentials = Zeroizing::new([id.as_str(), ":", secret.as_str()].concat());
                let credentials = Zeroizing::new(STANDARD.encode(credentials.as_bytes()));
                authorization = Some(Zeroizing::new(["Basic ", credentials.as_str()].concat()));
            }
            ClientAuthentication::Post => {
                let secret = encoded(&self.client_secret.as_ref()?.0);
                for part in ["&client_id=", &id, "&client_secret=", &secret] {
                    body.push_str(part);
                }
            }
            ClientAuthentication::Tls => {
                for part in ["&client_id=", &id] {
                    body.push_str(part);
                }
            }
        }
        Some(IntrospectionRequest { authorization, body })
    }

    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        self.cluster == other.cluster && self.authority == other.authority && self.path == other.path
    }

    pub(super) fn check(&self, at: &str) -> Result<(), Refusal> {
        let visible = |text: &str| {
            (1..=2_048).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let field = |name: &str| format!("{at}.{name}");
        demand(&field("cluster"), "the name of a cluster", visible(&self.cluster))?;
        demand(&field("authority"), "a host name", visible(&self.authority))?;
        let path = self.path.starts_with('/') && visible(&self.path);
        demand(&field("path"), "an absolute path", path)?;
        let client = (1..=256).contains(&self.client_id.len()) && is_visible(&self.client_id);
        demand(&field("client_id"), "1 to 256 bytes of printable ASCII", client)?;
        self.check_secret(at)?;
        let once = |list: &[Member]| {
            list.iter().enumerate().all(|(at, one)| !list.iter().take(at).any(|other| other == one))
        };
        demand(&field("may_lack"), "each member once", once(&self.may_lack))?;
        for (name, expected, number, bounds) in [
            ("max_cache_seconds", "1 to 3,600", self.max_cache_seconds, 1..=3_600),
            ("refused_cache_seconds", "1 to 60", self.refused_cache_seconds, 1..=60),
            ("timeout_milliseconds", "100 to 30,000", self.timeout_milliseconds, 100..=30_000),
            ("calls_per_second", "1 to 10,000", self.calls_per_second.into(), 1..=10_000),
            ("client_calls_per_minute", "1 to 10,000", self.client_calls_per_minute.into(), 1..=10_000),
        ] {
            demand(&field(name), expected, bounds.contains(&number))?;
        }
        for (name, expected, number, bounds) in [
            ("cached_tokens", "16 to 65,536", self.cached_tokens, 16..=65_536),
            ("cached_refusals", "16 to 65,536", self.cached_refusals, 16..=65_536),
            ("concurrent_calls", "1 to 128", self.concurrent_calls, 1..=128),
        ] {
            demand(&field(name), expected, bounds.contains(&number))?;
        }
        Ok(())
    }

    fn check_secret(&self, at: &str) -> Result<(), Refusal> {
        let (secret, variable) = (self.client_secret.is_some(), self.client_secret_env.is_some());
        let (expected, fits) = match self.authentication {
            ClientAuthentication::Tls => ("none: the certificate proves who asks", !secret && !variable),
            _ => ("either client_secret or client_secret_env", secret != variable),
        };
        demand(&format!("{at}.client_secret"), expected, fits)?;
        let good = self.client_secret.as_ref().is_none_or(ClientSecret::is_good);
        demand(&format!("{at}.client_secret"), "1 to 1,024 bytes of printable ASCII", good)?;
        let named = self.client_secret_env.as_ref().is_none_or(|name| {
            let letter = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
            (1..=128).contains(&name.len()) && name.bytes().all(letter)
        });
        demand(&format!("{at}.client_secret_env"), "A to Z, 0 to 9 and _", named)
    }
}

impl ClientSecret {
    fn is_good(&self) -> bool {
        (1..=MAX_SECRET).contains(&self.0.len()) && is_visible(&self.0)
    }
}

/// `*VSCHAR` of RFC 6749 appendix A: others are refused by whoever reads them strictly.
fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

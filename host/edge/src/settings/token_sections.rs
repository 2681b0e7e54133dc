//! The sections `[tokens]` and `[authorization]` of `postern-edge.toml`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use postern_settings::Duration;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Bearer tokens. Whose they are is either `issuer` and `audience`, or a list `issuers`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokensSection {
    /// `iss` of the tokens.
    pub issuer: Option<String>,
    /// What `aud` has to name.
    pub audience: Option<String>,
    /// JWA names.
    #[serde(default = "token_algorithms")]
    pub algorithms: Vec<String>,
    /// Path of the issuer's keys at the identity provider, or their URL where they are elsewhere. Left
    /// out: where the product has them.
    pub keys: Option<String>,
    /// Who issued the certificate of that URL's host, PEM. Left out: the system's authorities.
    pub keys_ca: Option<PathBuf>,
    /// Where the issuer is asked about tokens that are no JWT. Left out: they are refused.
    pub introspection: Option<IntrospectionSection>,
    /// Several issuers, each with its own keys.
    #[serde(default)]
    pub issuers: Vec<TokenIssuerSection>,
    /// Tokens that are bound to a key of their client (RFC 9449). Left out: the scheme `DPoP` is
    /// refused.
    pub dpop: Option<DpopSection>,
    /// How far clocks may differ, up to 5 minutes.
    pub clock_skew: Option<Duration>,
    /// Verified tokens that each worker remembers.
    pub cached_tokens: Option<usize>,
    /// The paths that want a token.
    pub routes: Vec<TokenRouteSection>,
}

/// An issuer of tokens.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenIssuerSection {
    /// `iss`, letter by letter.
    pub issuer: String,
    /// What `aud` has to name, one of them.
    pub audiences: Vec<String>,
    /// JWA names.
    #[serde(default = "token_algorithms")]
    pub algorithms: Vec<String>,
    /// Values of `typ`. Left out: those of RFC 9068, `at+jwt`; Keycloak writes `JWT`.
    pub token_types: Option<Vec<String>>,
    /// Path of its keys at the identity provider, or their URL where they are elsewhere. Left out: where
    /// the product has them.
    pub keys: Option<String>,
    /// Who issued the certificate of that URL's host, PEM. Left out: the system's authorities.
    pub keys_ca: Option<PathBuf>,
    /// Longest time from `iat` to `exp`, up to a day.
    pub max_lifetime: Option<Duration>,
    /// Where the issuer is asked about tokens that are no JWT. Left out: they are refused.
    pub introspection: Option<IntrospectionSection>,
}

/// The issuer's introspection endpoint (RFC 7662) at the nodes behind, and as whom the proxy asks. The
/// secret is either in a file or in the proxy's environment.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IntrospectionSection {
    /// Its path, such as `/oauth2/introspect`.
    pub path: String,
    /// The client that the issuer knows the proxy as.
    pub client_id: String,
    /// How the proxy proves who asks.
    #[serde(default)]
    pub authentication: IntrospectionAuthentication,
    /// The file that holds the secret, read now: the generated configuration has the secret in it.
    pub client_secret_file: Option<PathBuf>,
    /// The environment variable of the proxy that holds the secret: nothing that is generated has it.
    pub client_secret_env: Option<String>,
    /// Which tokens it is asked about.
    #[serde(default)]
    pub tokens: IntrospectedTokens,
    /// Members that answers may lack: `iss`, `aud`, `exp`, `iat`, `sub`, `token_type`.
    #[serde(default)]
    pub may_lack: Vec<IntrospectionMember>,
    /// Longest time that an answer is good for, up to an hour: so long a revoked token is accepted.
    pub max_cache: Option<Duration>,
    /// Calls a second for tokens that nobody has seen, of all workers.
    pub calls_per_second: Option<u32>,
    /// Calls a minute that the unseen tokens of one client cause.
    pub client_calls_per_minute: Option<u32>,
}

/// How the proxy proves who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IntrospectionAuthentication {
    /// By its secret in the header.
    #[default]
    Basic,
    /// By its secret in the body.
    Post,
    /// By the certificate that it shows to the nodes.
    Tls,
}

/// Which tokens an issuer is asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IntrospectedTokens {
    /// Those that are no JWT; a JWT is judged by the issuer's keys.
    #[default]
    Opaque,
    /// All: a revoked JWT is found out, and every token costs a call.
    All,
}

/// A member of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntrospectionMember {
    /// The issuer.
    Iss,
    /// For whom the token is.
    Aud,
    /// When it expires.
    Exp,
    /// Since when it is there.
    Iat,
    /// The person.
    Sub,
    /// That it is an access token.
    TokenType,
}

fn token_algorithms() -> Vec<String> {
    ["RS256", "ES256", "EdDSA"].map(Into::into).into()
}

/// Proofs of possession (RFC 9449); `htu` is at one of `hosts`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DpopSection {
    /// JWA names of proofs.
    #[serde(default = "dpop_algorithms")]
    pub algorithms: Vec<String>,
    /// Longest time since `iat`, up to 5 minutes.
    pub max_age: Option<Duration>,
    /// Proofs that are remembered, so that none comes twice.
    pub remembered_proofs: Option<u32>,
    /// How long a nonce of this proxy is given out, 10 seconds to an hour; without it none is asked for.
    pub nonce: Option<Duration>,
}

fn dpop_algorithms() -> Vec<String> {
    ["ES256", "EdDSA"].map(Into::into).into()
}

/// A path that wants a token. Either `exact` or `prefix`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRouteSection {
    /// This path alone.
    pub exact: Option<String>,
    /// This path and all below it.
    pub prefix: Option<String>,
    /// Scopes that the token has to have, all of them.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whose tokens are accepted. Empty: all issuers'.
    #[serde(default)]
    pub issuers: Vec<String>,
    /// Which clients' tokens are accepted. Empty: all.
    #[serde(default)]
    pub clients: Vec<String>,
    /// What claims have to say, all of it.
    #[serde(default)]
    pub claims: Vec<ClaimSection>,
    /// Longest time from `iat` to `exp`, if less than the issuer's.
    pub max_lifetime: Option<Duration>,
    /// Whether a token without a proof is refused.
    #[serde(default)]
    pub require_dpop: bool,
    /// Whether a token that is not bound to its client's certificate is refused.
    #[serde(default)]
    pub require_certificate: bool,
    /// Claims handed on: claim to header, which starts with `x-postern-`.
    #[serde(default)]
    pub claims_to_headers: BTreeMap<String, String>,
    /// Claims for the access log.
    #[serde(default)]
    pub claims_to_log: Vec<ClaimName>,
}

/// What a claim has to say. Either `any_of` or `all_of`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimSection {
    /// Its name, or the names that lead to it.
    pub claim: ClaimName,
    /// One of these strings, numbers or booleans.
    #[serde(default)]
    pub any_of: Vec<Value>,
    /// All of these.
    #[serde(default)]
    pub all_of: Vec<Value>,
}

/// A claim by its name, or by names that lead into objects, as `["realm_access", "roles"]`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ClaimName {
    /// A claim of the token itself.
    Name(String),
    /// A claim within objects.
    Names(Vec<String>),
}

impl ClaimName {
    pub(super) fn names(&self) -> Vec<String> {
        match self {
            Self::Name(name) => vec![name.clone()],
            Self::Names(names) => names.clone(),
        }
    }
}

/// Authorization requests: judged before they reach the LAN.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationSection {
    /// The authorization endpoints. Left out: the product's.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Registered clients; requests of others are refused.
    pub clients: Vec<AuthorizationClientSection>,
}

/// A client and what it may ask for. Public clients always use PKCE with S256.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationClientSection {
    /// `client_id`.
    pub client_id: String,
    /// Letter by letter.
    pub redirect_uris: Vec<String>,
    /// Scopes that it may ask for, divided by spaces.
    #[serde(default = "openid")]
    pub scope: String,
    /// Whether PKCE with S256 is demanded.
    #[serde(default = "yes")]
    pub require_pkce: bool,
    /// Whether `state` is demanded.
    #[serde(default)]
    pub require_state: bool,
    /// Whether `nonce` is demanded.
    #[serde(default)]
    pub require_nonce: bool,
}

fn openid() -> String {
    "openid".into()
}

fn yes() -> bool {
    true
}

//! The ID token of a provider (OpenID Connect Core section 3.1.3.7).

use postern_jose::json::Value;
use postern_jose::{Claims, KeySet, UnverifiedJws, Verified};
use postern_oauth::at_hash;
use postern_refusal::Refusal;
use postern_signature::{Algorithm, Verifier};
use subtle::ConstantTimeEq as _;

/// Most bytes of `sub` (OpenID Connect Core section 2).
const MAX_SUBJECT: usize = 255;
/// Seconds that may lie between the token's making and now: it was fetched a moment ago.
const MAX_AGE: u64 = 600;
/// Most values of `amr`.
const MAX_METHODS: usize = 16;

/// What an ID token is judged by.
#[derive(Clone, Copy, Debug)]
pub struct IdTokenRule<'a> {
    /// The provider.
    pub issuer: &'a str,
    /// We, as it knows us.
    pub client_id: &'a str,
    /// Of the authorization request.
    pub nonce: &'a str,
    /// What came with it.
    pub access_token: &'a str,
    /// When the person has to have proven who they are, at the earliest (`auth_time`), in seconds since 1970. None:
    /// nothing of the kind was asked for.
    pub authenticated_since: Option<u64>,
    /// Seconds that may lie between that and now. None: as many as there are.
    pub max_age: Option<u64>,
    /// Whether a token that does not say when that was is believed all the same.
    pub may_lack_time: bool,
    /// What may have signed it.
    pub algorithms: &'a [Algorithm],
    /// Seconds since 1970.
    pub now: u64,
    /// How far the clocks may differ, in seconds.
    pub clock_skew: u64,
}

/// Whom a provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderIdentity {
    /// `sub`.
    pub subject: String,
    /// `acr`.
    pub context: Option<String>,
    /// `amr`.
    pub methods: Vec<String>,
    /// All claims of the token.
    pub claims: Claims,
}

/// Judges an ID token: its signature by one of the provider's keys, and that it was made now, for us, for this
/// very request and access token. A token without `kid` is that of the one key of its algorithm.
/// `jose.kid.unknown` and `jose.kid.missing` are worth another look at the provider's keys.
///
/// # Errors
/// `oidc.provider-token.issuer`, `…audience`, `…authorized-party`, `…expired`, `…not-yet-valid`, `…stale`,
/// `…nonce`, `…access-token`, `…authentication-age`, `…subject`, `…methods`, and the `jose.…` and `json.…` codes
/// of its parts.
pub fn judge_provider_token(
    token: &str,
    rule: &IdTokenRule<'_>,
    keys: &KeySet,
    verifier: &dyn Verifier,
) -> Result<Verified<ProviderIdentity>, Refusal> {
    let jws = UnverifiedJws::read_unnamed(token)?;
    let algorithm = jws.header().algorithm;
    jws.verify(keys, rule.algorithms, verifier)?.and_then(|claims| {
        rule.parties(&claims)?;
        rule.times(&claims)?;
        rule.binding(&claims, algorithm)?;
        let subject = claims.required_string("sub")?;
        if subject.len() > MAX_SUBJECT || !subject.is_ascii() {
            return Err(refused("oidc.provider-token.subject", "sub", "255 ASCII characters at most"));
        }
        Ok(ProviderIdentity {
            subject: subject.to_owned(),
            context: claims.string("acr")?.map(str::to_owned),
            methods: methods(&claims)?,
            claims,
        })
    })
}

impl IdTokenRule<'_> {
    /// Steps 2 to 5: whose it is, and for whom.
    fn parties(&self, claims: &Claims) -> Result<(), Refusal> {
        let issuer = claims.required_string("iss")?;
        if issuer != self.issuer {
            return Err(refused("oidc.provider-token.issuer", "iss", self.issuer).found(issuer));
        }
        let audience = claims.audience()?;
        if audience.as_slice() != [self.client_id] {
            // For others too: whom we do not know, and who could hand it on to us.
            return Err(refused("oidc.provider-token.audience", "aud", "this client alone")
                .found(&audience.join(" ")));
        }
        match claims.string("azp")? {
            Some(party) if party != self.client_id => {
                Err(refused("oidc.provider-token.authorized-party", "azp", self.client_id).found(party))
            }
            _ => Ok(()),
        }
    }

    /// Steps 9, 10 and 13.
    fn times(&self, claims: &Claims) -> Result<(), Refusal> {
        let (earliest, latest) =
            (self.now.saturating_sub(self.clock_skew), self.now.saturating_add(self.clock_skew));
        let (expires, issued) = (claims.required_time("exp")?, claims.required_time("iat")?);
        if expires <= earliest {
            return Err(
                refused("oidc.provider-token.expired", "exp", "a time ahead").found(&expires.to_string())
            );
        }
        let begins = claims.time("nbf")?.unwrap_or(issued).max(issued);
        if begins > latest {
            return Err(refused("oidc.provider-token.not-yet-valid", "iat", "a time that has come")
                .found(&begins.to_string()));
        }
        if issued < earliest.saturating_sub(MAX_AGE) {
            return Err(
                refused("oidc.provider-token.stale", "iat", "a token made now").found(&issued.to_string())
            );
        }
        let Some(since) = self.authenticated_since() else { return Ok(()) };
        if self.may_lack_time && claims.time("auth_time")?.is_none() {
            return Ok(());
        }
        let authenticated = claims.required_time("auth_time")?;
        if authenticated > latest || authenticated < since.saturating_sub(self.clock_skew) {
            let expected = "a sign-in as recent as was asked for";
            return Err(refused("oidc.provider-token.authentication-age", "auth_time", expected)
                .found(&authenticated.to_string()));
        }
        Ok(())
    }

    /// When the person has to have proven who they are, at the earliest. The age counts from now: time passes while
    /// they are at the provider.
    fn authenticated_since(&self) -> Option<u64> {
        self.authenticated_since.max(self.max_age.map(|max_age| self.now.saturating_sub(max_age)))
    }

    /// Step 11 and section 3.1.3.8: to the request, and to the access token.
    fn binding(&self, claims: &Claims, algorithm: Algorithm) -> Result<(), Refusal> {
        let nonce = claims.string("nonce")?.unwrap_or_default();
        if !bool::from(nonce.as_bytes().ct_eq(self.nonce.as_bytes())) {
            return Err(refused("oidc.provider-token.nonce", "nonce", "that of the request"));
        }
        match claims.string("at_hash")? {
            Some(hash) if hash != at_hash(algorithm, self.access_token) => {
                Err(refused("oidc.provider-token.access-token", "at_hash", "the hash of the access token"))
            }
            _ => Ok(()),
        }
    }
}

fn refused(code: &'static str, element: &str, expected: &str) -> Refusal {
    Refusal::misbehaved(code).at(element).expected(expected)
}

fn methods(claims: &Claims) -> Result<Vec<String>, Refusal> {
    let malformed = || refused("oidc.provider-token.methods", "amr", "a list of 16 names at most");
    match claims.get("amr") {
        None => Ok(Vec::new()),
        Some(Value::Array(values)) if values.len() <= MAX_METHODS => {
            values.iter().map(|value| value.as_str().map(str::to_owned).ok_or_else(malformed)).collect()
        }
        Some(_) => Err(malformed()),
    }
}

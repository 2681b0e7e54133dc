//! JWS Compact Serialization (RFC 7515 section 7.1), read strictly and verified.

use crate::base64url;
use crate::claims::Claims;
use crate::json::{Object, read_object};
use crate::jwk::{Key, KeySet};
use crate::verified::Verified;
use postern_refusal::Refusal;
use postern_signature::{Algorithm, Verifier};

/// Longest token, in bytes.
pub const MAX_TOKEN: usize = 16_384;

/// Longest header, in bytes of base64url.
const MAX_HEADER: usize = 2_048;

/// Longest signature, in bytes: that of RSA-4096.
const MAX_SIGNATURE: usize = 512;

/// Longest `kid`, in bytes.
pub(crate) const MAX_KEY_ID: usize = 256;

/// Header parameters by which a token would bring its own key (RFC 7515 section 4.1).
const EMBEDDED_KEYS: [&str; 6] = ["jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"];

/// The protected header. All that it says is the peer's word until the signature is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// `alg`.
    pub algorithm: Algorithm,
    /// `kid`. Empty where the token has none: of [`UnverifiedJws::read_unnamed`] alone.
    pub key_id: String,
    /// `typ`.
    pub token_type: Option<String>,
}

/// A token whose signature nobody has looked at yet.
#[derive(Clone, PartialEq, Eq)]
pub struct UnverifiedJws<'a> {
    header: Header,
    signing_input: &'a str,
    claims: Claims,
    signature: Vec<u8>,
}

impl core::fmt::Debug for UnverifiedJws<'_> {
    /// Without payload and signature: a token is a credential.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("UnverifiedJws").field("header", &self.header).finish_non_exhaustive()
    }
}

impl<'a> UnverifiedJws<'a> {
    /// Reads the form of a token.
    ///
    /// # Errors
    /// `jose.token.too-long`, `jose.token.parts`, `jose.base64url.broken`, `jose.header.too-long`,
    /// the `json.…` codes, `jose.header.crit`, `jose.header.embedded-key`, `jose.header.type`,
    /// `jose.alg.missing`, `jose.alg.not-allowed`, `jose.kid.missing`.
    pub fn read(token: &'a str) -> Result<Self, Refusal> {
        Self::read_named(token, true)
    }

    /// The same of a token that may lack `kid`: of an issuer with one key for the algorithm (OpenID Connect Core
    /// section 10.1).
    ///
    /// # Errors
    /// As [`UnverifiedJws::read`]; `jose.kid.missing` for an empty one alone.
    pub fn read_unnamed(token: &'a str) -> Result<Self, Refusal> {
        Self::read_named(token, false)
    }

    fn read_named(token: &'a str, needs_key_id: bool) -> Result<Self, Refusal> {
        if token.len() > MAX_TOKEN {
            return Err(Refusal::misbehaved("jose.token.too-long")
                .expected("16,384 bytes at most")
                .found(&format!("{} bytes", token.len())));
        }
        let (signing_input, header, payload, signature) = split(token)?;
        if header.len() > MAX_HEADER {
            return Err(Refusal::misbehaved("jose.header.too-long").expected("2,048 bytes at most"));
        }
        let header = read_header(&base64url::decode("header", header)?, needs_key_id)?;
        let claims = Claims::new(read_object("payload", &base64url::decode("payload", payload)?)?);
        let signature = base64url::decode("signature", signature)?;
        if signature.is_empty() || signature.len() > MAX_SIGNATURE {
            return Err(Refusal::misbehaved("jose.signature.length").expected("1 to 512 bytes"));
        }
        Ok(Self { header, signing_input, claims, signature })
    }

    /// The header: whom to ask for keys, no more.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The `iss` that the token claims, to choose whose keys it has to verify with. Never a fact.
    ///
    /// # Errors
    /// The `jose.claim.…` codes.
    pub fn claimed_issuer(&self) -> Result<String, Refusal> {
        self.claims.required_string("iss").map(str::to_owned)
    }

    /// The claims, when the signature is good: by the one key of that `kid`, with an allowed
    /// algorithm that is the key's; or, where the token names none, by the one key of the algorithm.
    ///
    /// # Errors
    /// `jose.alg.not-allowed`, `jose.kid.unknown` (no key has the name, or none has signed a token that names
    /// none), `jose.kid.missing` (several keys are of the algorithm),
    /// `jose.alg.key-mismatch`, `jose.signature.mismatch`.
    pub fn verify(
        self,
        keys: &KeySet,
        allowed: &[Algorithm],
        verifier: &dyn Verifier,
    ) -> Result<Verified<Claims>, Refusal> {
        let algorithm = self.header.algorithm;
        if !allowed.contains(&algorithm) {
            return Err(not_allowed(algorithm.jwa_name(), allowed));
        }
        let key = self.key(keys)?;
        if !key.fits(algorithm) {
            return Err(Refusal::misbehaved("jose.alg.key-mismatch")
                .at("alg")
                .expected("the algorithm of the key")
                .found(algorithm.jwa_name()));
        }
        verifier
            .verify(algorithm, key.public_key(), self.signing_input.as_bytes(), &self.signature)
            .map_err(|_| {
                if self.header.key_id.is_empty() {
                    return unknown("the key that has signed it");
                }
                Refusal::misbehaved("jose.signature.mismatch")
                    .at("signature")
                    .expected("the key's signature over header and payload")
            })?;
        Ok(Verified::new(self.claims))
    }

    fn key<'k>(&self, keys: &'k KeySet) -> Result<&'k Key, Refusal> {
        let Header { algorithm, key_id, .. } = &self.header;
        if !key_id.is_empty() {
            return keys.find(key_id).ok_or_else(|| unknown("a key of the key set").found(key_id));
        }
        // Which of several it is would be found out by trying: then the weakest of them decides.
        let mut fitting = keys.keys().iter().filter(|key| key.fits(*algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(unknown("a key of the algorithm").found(algorithm.jwa_name())),
            (Some(_), Some(_)) => Err(Refusal::misbehaved("jose.kid.missing")
                .at("kid")
                .expected("the name of a key: several are of the algorithm")),
        }
    }
}

fn unknown(expected: &str) -> Refusal {
    Refusal::misbehaved("jose.kid.unknown").at("kid").expected(expected)
}

pub(crate) fn split(token: &str) -> Result<(&str, &str, &str, &str), Refusal> {
    let parts = || Refusal::misbehaved("jose.token.parts").expected("three parts, divided by dots");
    let (signing_input, signature) = token.rsplit_once('.').ok_or_else(parts)?;
    let (header, payload) = signing_input.split_once('.').ok_or_else(parts)?;
    if payload.contains('.') {
        return Err(parts());
    }
    Ok((signing_input, header, payload, signature))
}

fn read_header(bytes: &[u8], needs_key_id: bool) -> Result<Header, Refusal> {
    let header = read_object("header", bytes)?;
    if header.contains_key("crit") {
        return Err(Refusal::misbehaved("jose.header.crit").at("crit").expected("no critical extension"));
    }
    if let Some(name) = EMBEDDED_KEYS.into_iter().find(|name| header.contains_key(*name)) {
        return Err(Refusal::misbehaved("jose.header.embedded-key")
            .at(name)
            .expected("a key named by kid alone"));
    }
    if header.contains_key("b64") || header.contains_key("zip") {
        return Err(Refusal::misbehaved("jose.header.encoding").expected("no b64 and no zip"));
    }
    let algorithm = header_text(&header, "alg")?
        .ok_or_else(|| Refusal::misbehaved("jose.alg.missing").at("alg").expected("an algorithm"))?;
    let algorithm =
        Algorithm::from_jwa_name(algorithm).ok_or_else(|| not_allowed(algorithm, &Algorithm::ALL))?;
    let is_name = |key_id: &&str| !key_id.is_empty() && key_id.len() <= MAX_KEY_ID;
    let key_id = match header_text(&header, "kid")? {
        None if !needs_key_id => "",
        key_id => key_id
            .filter(is_name)
            .ok_or_else(|| Refusal::misbehaved("jose.kid.missing").at("kid").expected("1 to 256 bytes"))?,
    };
    let key_id = key_id.to_owned();
    let token_type = header_text(&header, "typ")?.map(str::to_owned);
    Ok(Header { algorithm, key_id, token_type })
}

pub(crate) fn header_text<'a>(header: &'a Object, name: &str) -> Result<Option<&'a str>, Refusal> {
    header
        .get(name)
        .map(|value| {
            value
                .as_str()
                .ok_or_else(|| Refusal::misbehaved("jose.header.type").at(name).expected("a string"))
        })
        .transpose()
}

fn not_allowed(found: &str, allowed: &[Algorithm]) -> Refusal {
    let names: Vec<&str> = allowed.iter().map(|algorithm| algorithm.jwa_name()).collect();
    Refusal::misbehaved("jose.alg.not-allowed").at("alg").expected(&names.join(", ")).found(found)
}

//! DPoP proofs (RFC 9449): whoever presents a token holds the key that it was issued to.

use crate::base64url;
use crate::claims::Claims;
use crate::json::{Object, Value, read_object};
use crate::jwk::{read_public_key, thumbprint};
use crate::jws::{header_text, split};
use crate::verified::Verified;
use postern_refusal::Refusal;
use postern_signature::{Algorithm, Verifier};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

/// `typ` of a proof.
const PROOF_TYPE: &str = "dpop+jwt";

/// Longest proof, in bytes.
pub const MAX_PROOF: usize = 8_192;

/// Longest `jti` of a proof, in bytes.
const MAX_PROOF_ID: usize = 256;

/// What a proof has to be.
#[derive(Clone, Debug)]
pub struct DpopRule<'a> {
    /// `htm`: the request's method.
    pub method: &'a str,
    /// `htu`: the request's URI as the client may write it, without query and fragment.
    pub uris: &'a [String],
    /// The token that comes with the proof.
    pub access_token: &'a str,
    /// Acceptable algorithms.
    pub algorithms: &'a [Algorithm],
    /// Longest time since `iat`, in seconds.
    pub max_age: u64,
    /// How far clocks may differ, in seconds.
    pub skew: u64,
    /// Acceptable values of `nonce` (section 9). None: the claim is not read.
    pub nonces: Option<&'a [String]>,
}

/// The proof among the values of the request's headers `DPoP`: exactly one (section 4.3).
///
/// # Errors
/// `token.dpop.missing`, `token.dpop.several`, `token.dpop.syntax` (401).
pub fn read_dpop_header<'a>(values: &[&'a [u8]]) -> Result<&'a str, Refusal> {
    let refused =
        |code, expected: &str| Refusal::misbehaved(code).with_status(401).at("dpop").expected(expected);
    match values {
        [] => Err(refused("token.dpop.missing", "a proof")),
        // Several headers may arrive as one, joined by commas.
        [value] if value.contains(&b',') => Err(refused("token.dpop.several", "one proof")),
        [value] => core::str::from_utf8(value).map_err(|_| refused("token.dpop.syntax", "a proof in ASCII")),
        _ => Err(refused("token.dpop.several", "one proof")),
    }
}

/// A proof that was accepted. Whether its `jti` came before is for its caller to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DpopProof {
    /// The thumbprint of its key (RFC 7638).
    pub thumbprint: String,
    /// `jti`.
    pub proof_id: String,
    /// Until then it could be accepted again, in seconds since 1970-01-01T00:00:00Z.
    pub until: u64,
    /// The acceptable `nonce` that it carried, where one is wanted.
    pub nonce: Option<String>,
}

/// Judges a proof. Every refusal has status 401.
///
/// # Errors
/// `token.dpop.syntax`, `token.dpop.type`, `token.dpop.key`, `token.dpop.method`, `token.dpop.uri`,
/// `token.dpop.nonce`, `token.dpop.age`, `token.dpop.token-hash`, `jose.alg.not-allowed`, `jose.signature.mismatch`, and
/// the `jose.…` and `json.…` codes of its parts.
pub fn judge_dpop_proof(
    proof: &str,
    rule: &DpopRule<'_>,
    now: u64,
    verifier: &dyn Verifier,
) -> Result<Verified<DpopProof>, Refusal> {
    read_and_verify(proof, rule, verifier)
        .and_then(|(thumbprint, claims)| check_claims(&claims, thumbprint, rule, now))
        .map(Verified::new)
        .map_err(|refusal| refusal.with_status(401))
}

fn read_and_verify(
    proof: &str,
    rule: &DpopRule<'_>,
    verifier: &dyn Verifier,
) -> Result<(String, Claims), Refusal> {
    if proof.len() > MAX_PROOF {
        return Err(Refusal::misbehaved("token.dpop.syntax").at("dpop").expected("8,192 bytes at most"));
    }
    let (signing_input, header, payload, signature) = split(proof)?;
    let header = read_object("header", &base64url::decode("header", header)?)?;
    let (algorithm, jwk) = read_header(&header, rule.algorithms)?;
    let unfit = || Refusal::misbehaved("token.dpop.key").at("jwk").expected("a public key for the algorithm");
    let (algorithms, public_key) = read_public_key(jwk)?.ok_or_else(unfit)?;
    if !algorithms.contains(&algorithm) {
        return Err(unfit());
    }
    let signature = base64url::decode("signature", signature)?;
    verifier.verify(algorithm, &public_key, signing_input.as_bytes(), &signature).map_err(|_| {
        Refusal::misbehaved("jose.signature.mismatch").at("dpop").expected("a signature by its own key")
    })?;
    let claims = Claims::new(read_object("payload", &base64url::decode("payload", payload)?)?);
    Ok((thumbprint(jwk)?, claims))
}

fn read_header<'a>(header: &'a Object, allowed: &[Algorithm]) -> Result<(Algorithm, &'a Object), Refusal> {
    if let Some(name) =
        ["crit", "jku", "x5u", "x5c", "b64", "zip"].iter().find(|name| header.contains_key(**name))
    {
        return Err(Refusal::misbehaved("token.dpop.syntax").at(name).expected("typ, alg and jwk"));
    }
    let token_type = header_text(header, "typ")?;
    if token_type != Some(PROOF_TYPE) {
        let refusal = Refusal::misbehaved("token.dpop.type").at("typ").expected(PROOF_TYPE);
        return Err(refusal.found(token_type.unwrap_or("none")));
    }
    let name = header_text(header, "alg")?.unwrap_or("none");
    let algorithm = Algorithm::from_jwa_name(name).filter(|algorithm| allowed.contains(algorithm));
    let algorithm = algorithm.ok_or_else(|| {
        Refusal::misbehaved("jose.alg.not-allowed").at("alg").expected("an allowed algorithm").found(name)
    })?;
    match header.get("jwk") {
        Some(Value::Object(jwk)) => Ok((algorithm, jwk)),
        _ => Err(Refusal::misbehaved("token.dpop.key").at("jwk").expected("the proof's public key")),
    }
}

fn check_claims(
    claims: &Claims,
    thumbprint: String,
    rule: &DpopRule<'_>,
    now: u64,
) -> Result<DpopProof, Refusal> {
    let differs = |code, at: &str, expected: &str, found: &str| {
        Refusal::misbehaved(code).at(at).expected(expected).found(found)
    };
    let method = claims.required_string("htm")?;
    if method != rule.method {
        return Err(differs("token.dpop.method", "htm", rule.method, method));
    }
    // RFC 9449 section 4.3: query and fragment do not count.
    let uri = claims.required_string("htu")?;
    let uri = uri.split(['?', '#']).next().unwrap_or_default();
    if !rule.uris.iter().any(|own| own == uri) {
        return Err(differs("token.dpop.uri", "htu", &rule.uris.join(", "), uri));
    }
    let nonce = match rule.nonces {
        None => None,
        Some(nonces) => {
            let nonce = claims.string("nonce")?.unwrap_or_default().as_bytes();
            let known = nonces.iter().find(|own| bool::from(own.as_bytes().ct_eq(nonce)));
            let old =
                || differs("token.dpop.nonce", "nonce", "a nonce of this server", "none, or an old one");
            Some(known.ok_or_else(old)?.clone())
        }
    };
    let issued_at = claims.required_time("iat")?;
    let until = issued_at.saturating_add(rule.max_age).saturating_add(rule.skew);
    if issued_at > now.saturating_add(rule.skew) || now >= until {
        return Err(differs("token.dpop.age", "iat", &format!("about {now}"), &issued_at.to_string()));
    }
    let hash = base64url::encode(&Sha256::digest(rule.access_token.as_bytes()));
    let claimed = claims.required_string("ath")?;
    if !bool::from(claimed.as_bytes().ct_eq(hash.as_bytes())) {
        let refusal = Refusal::misbehaved("token.dpop.token-hash").at("ath");
        return Err(refusal.expected("the hash of the token"));
    }
    let proof_id = claims.required_string("jti")?;
    if proof_id.len() > MAX_PROOF_ID {
        return Err(Refusal::misbehaved("token.dpop.syntax").at("jti").expected("256 bytes at most"));
    }
    Ok(DpopProof { thumbprint, proof_id: proof_id.to_owned(), until, nonce })
}

//! JWK Sets (RFC 7517), read strictly into SubjectPublicKeyInfo.

use crate::base64url;
use crate::json::{Object, Value, read_object};
use crate::jws::MAX_KEY_ID;
use pkcs1::der::asn1::{BitString, UintRef};
use pkcs1::der::{AnyRef, Encode};
use postern_refusal::Refusal;
use postern_signature::{Algorithm, PublicKey};
use sha2::{Digest as _, Sha256};
use spki::{AlgorithmIdentifier, ObjectIdentifier, SubjectPublicKeyInfo};

/// Largest JWK Set, in bytes.
pub const MAX_KEY_SET: usize = 65_536;

/// Most keys of a set.
pub const MAX_KEYS: usize = 32;

/// RSA moduli, in bits. The upper bound is that of every verifier here, and one on their work.
const RSA_BITS: core::ops::RangeInclusive<usize> = 2_048..=4_096;

pub(crate) const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(crate) const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub(crate) const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
pub(crate) const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
pub(crate) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A public key with its `kid` and the algorithms that it may be used with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    key_id: String,
    algorithms: Vec<Algorithm>,
    public_key: PublicKey,
}

impl Key {
    /// A key of our own.
    pub fn new(key_id: &str, algorithm: Algorithm, public_key: PublicKey) -> Self {
        Self { key_id: key_id.to_owned(), algorithms: vec![algorithm], public_key }
    }

    /// `kid`. Empty where the key has none: of [`KeySet::read_unnamed`] alone.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The key itself.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Whether the key may be used with the algorithm: its `alg` when it has one, else those of
    /// its type and curve.
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }
}

/// Keys, each with its own `kid`, or with none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet {
    keys: Vec<Key>,
}

impl KeySet {
    /// The set of these keys.
    ///
    /// # Errors
    /// `jose.jwks.duplicate-kid`, `jose.jwks.too-many`.
    pub fn new(keys: Vec<Key>) -> Result<Self, Refusal> {
        if keys.len() > MAX_KEYS {
            return Err(Refusal::misbehaved("jose.jwks.too-many").at("keys").expected("32 keys at most"));
        }
        for (position, key) in keys.iter().enumerate() {
            let is_named = !key.key_id.is_empty();
            let mut others = keys.iter().skip(position.saturating_add(1));
            if is_named && others.any(|other| other.key_id == key.key_id) {
                return Err(Refusal::misbehaved("jose.jwks.duplicate-kid")
                    .at("kid")
                    .expected("another kid for each key")
                    .found(&key.key_id));
            }
        }
        Ok(Self { keys })
    }

    /// Reads a JWK Set. Keys of other types, curves, algorithms and uses are left out, as RFC 7517
    /// section 5 wants; what is wrong with a key that could be used refuses the set.
    ///
    /// # Errors
    /// `jose.jwks.too-long`, the `json.…` codes, `jose.jwks.keys`, `jose.jwks.too-many`,
    /// `jose.jwks.empty`, `jose.jwks.duplicate-kid`, `jose.jwk.member`, `jose.jwk.private`,
    /// `jose.jwk.rsa-size`, `jose.jwk.rsa-exponent`, `jose.jwk.coordinates`, `jose.base64url.broken`.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::read_named(bytes, true)
    }

    /// The same of a set whose keys may lack `kid`.
    ///
    /// # Errors
    /// As [`KeySet::read`].
    pub fn read_unnamed(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::read_named(bytes, false)
    }

    fn read_named(bytes: &[u8], needs_key_id: bool) -> Result<Self, Refusal> {
        if bytes.len() > MAX_KEY_SET {
            return Err(Refusal::misbehaved("jose.jwks.too-long").expected("65,536 bytes at most"));
        }
        let object = read_object("jwks", bytes)?;
        let Some(Value::Array(members)) = object.get("keys") else {
            return Err(Refusal::misbehaved("jose.jwks.keys").at("keys").expected("an array of keys"));
        };
        let mut keys = Vec::new();
        for member in members {
            let Value::Object(jwk) = member else {
                return Err(Refusal::misbehaved("jose.jwks.keys").at("keys").expected("objects"));
            };
            keys.extend(read_key(jwk, needs_key_id)?);
        }
        if keys.is_empty() {
            return Err(Refusal::misbehaved("jose.jwks.empty").at("keys").expected("a key that can be used"));
        }
        Self::new(keys)
    }

    /// The key of that `kid`, which is not empty.
    pub fn find(&self, key_id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.key_id == key_id && !key_id.is_empty())
    }

    /// The keys in order.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }
}

fn read_key(jwk: &Object, needs_key_id: bool) -> Result<Option<Key>, Refusal> {
    let Some((algorithms, public_key)) = read_public_key(jwk)? else { return Ok(None) };
    let is_name = |key_id: &&str| !key_id.is_empty() && key_id.len() <= MAX_KEY_ID;
    let key_id = match member(jwk, "kid")? {
        None if !needs_key_id => "",
        key_id => key_id
            .filter(is_name)
            .ok_or_else(|| Refusal::misbehaved("jose.jwk.member").at("kid").expected("1 to 256 bytes"))?,
    };
    Ok(Some(Key { key_id: key_id.to_owned(), algorithms, public_key }))
}

/// The key without its name, and the algorithms that it may be used with; none when we can't use it.
pub(crate) fn read_public_key(jwk: &Object) -> Result<Option<(Vec<Algorithm>, PublicKey)>, Refusal> {
    if ["d", "p", "q", "k"].into_iter().any(|name| jwk.contains_key(name)) {
        return Err(Refusal::misbehaved("jose.jwk.private").expected("public keys alone"));
    }
    if member(jwk, "use")?.is_some_and(|usage| usage != "sig") || !allows_verify(jwk)? {
        return Ok(None);
    }
    let (kind, public_key) = match member(jwk, "kty")? {
        Some("RSA") => {
            (&[Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256][..], rsa(jwk)?)
        }
        Some("EC") => match member(jwk, "crv")? {
            Some("P-256") => (&[Algorithm::Es256][..], ec(jwk, P256, 32)?),
            Some("P-384") => (&[Algorithm::Es384][..], ec(jwk, P384, 48)?),
            _ => return Ok(None),
        },
        Some("OKP") if member(jwk, "crv")? == Some("Ed25519") => (&[Algorithm::EdDsa][..], ed25519(jwk)?),
        _ => return Ok(None),
    };
    let algorithms = match member(jwk, "alg")? {
        None => kind.to_vec(),
        Some(name) => match Algorithm::from_jwa_name(name) {
            Some(algorithm) if kind.contains(&algorithm) => vec![algorithm],
            Some(_) => {
                return Err(Refusal::misbehaved("jose.jwk.member")
                    .at("alg")
                    .expected("an algorithm of the key's type")
                    .found(name));
            }
            None => return Ok(None),
        },
    };
    Ok(Some((algorithms, public_key)))
}

/// The thumbprint of a key that was read (RFC 7638): base64url of SHA-256 of its required members.
pub(crate) fn thumbprint(jwk: &Object) -> Result<String, Refusal> {
    let names: &[&'static str] = match member(jwk, "kty")? {
        Some("EC") => &["crv", "kty", "x", "y"],
        Some("RSA") => &["e", "kty", "n"],
        _ => &["crv", "kty", "x"],
    };
    let mut members = Vec::new();
    for name in names {
        // Base64url and names of curves: nothing that JSON would escape.
        members.push(format!("\"{name}\":\"{}\"", member(jwk, name)?.unwrap_or_default()));
    }
    let text = format!("{{{}}}", members.join(","));
    Ok(base64url::encode(&Sha256::digest(text.as_bytes())))
}

/// `key_ops` (RFC 7517 section 4.3), when it is there, has to name `verify`.
fn allows_verify(jwk: &Object) -> Result<bool, Refusal> {
    match jwk.get("key_ops") {
        None => Ok(true),
        Some(Value::Array(operations)) => Ok(operations.iter().any(|operation| operation == "verify")),
        Some(_) => Err(Refusal::misbehaved("jose.jwk.member").at("key_ops").expected("an array")),
    }
}

fn rsa(jwk: &Object) -> Result<PublicKey, Refusal> {
    let modulus = integer(jwk, "n")?;
    let exponent = integer(jwk, "e")?;
    let leading_zeros = modulus.first().map_or(0, |byte| byte.leading_zeros());
    let bits =
        modulus.len().saturating_mul(8).saturating_sub(usize::try_from(leading_zeros).unwrap_or(usize::MAX));
    if !RSA_BITS.contains(&bits) {
        return Err(Refusal::misbehaved("jose.jwk.rsa-size")
            .at("n")
            .expected("2,048 to 4,096 bits")
            .found(&format!("{bits} bits")));
    }
    let even = |number: &[u8]| number.last().is_none_or(|byte| byte % 2 == 0);
    // Exponents of 1 verify everything; those over 32 bits are a denial of service.
    if exponent.len() > 4 || exponent == [1] || even(&exponent) || even(&modulus) {
        return Err(Refusal::misbehaved("jose.jwk.rsa-exponent").at("e").expected("odd, 3 to 2^32"));
    }
    let key = pkcs1::RsaPublicKey {
        modulus: UintRef::new(&modulus).map_err(der)?,
        public_exponent: UintRef::new(&exponent).map_err(der)?,
    };
    spki(RSA_ENCRYPTION, Some(AnyRef::NULL), &key.to_der().map_err(der)?)
}

fn ec(jwk: &Object, curve: ObjectIdentifier, size: usize) -> Result<PublicKey, Refusal> {
    let mut point = vec![4];
    for name in ["x", "y"] {
        point.extend(coordinate(jwk, name, size)?);
    }
    spki(EC_PUBLIC_KEY, Some(AnyRef::from(&curve)), &point)
}

fn ed25519(jwk: &Object) -> Result<PublicKey, Refusal> {
    spki(ED25519, None, &coordinate(jwk, "x", 32)?)
}

fn spki(oid: ObjectIdentifier, parameters: Option<AnyRef<'_>>, key: &[u8]) -> Result<PublicKey, Refusal> {
    SubjectPublicKeyInfo {
        algorithm: AlgorithmIdentifier { oid, parameters },
        subject_public_key: BitString::from_bytes(key).map_err(der)?,
    }
    .to_der()
    .map(PublicKey::from_spki)
    .map_err(der)
}

fn der(_: pkcs1::der::Error) -> Refusal {
    Refusal::misbehaved("jose.jwk.member").expected("numbers of a public key")
}

/// Base64urlUInt (RFC 7518 section 2): the fewest octets that carry the number.
fn integer(jwk: &Object, name: &'static str) -> Result<Vec<u8>, Refusal> {
    let bytes = bytes(jwk, name)?;
    if bytes.first().is_none_or(|byte| *byte == 0) {
        return Err(Refusal::misbehaved("jose.jwk.member")
            .at(name)
            .expected("a number without leading zero"));
    }
    Ok(bytes)
}

fn coordinate(jwk: &Object, name: &'static str, size: usize) -> Result<Vec<u8>, Refusal> {
    bytes(jwk, name).and_then(|bytes| {
        if bytes.len() == size {
            Ok(bytes)
        } else {
            Err(Refusal::misbehaved("jose.jwk.coordinates").at(name).expected(&format!("{size} bytes")))
        }
    })
}

fn bytes(jwk: &Object, name: &'static str) -> Result<Vec<u8>, Refusal> {
    let text = member(jwk, name)?
        .ok_or_else(|| Refusal::misbehaved("jose.jwk.member").at(name).expected("the member"))?;
    base64url::decode(name, text)
}

fn member<'a>(jwk: &'a Object, name: &'static str) -> Result<Option<&'a str>, Refusal> {
    jwk.get(name)
        .map(|value| {
            value.as_str().ok_or_else(|| Refusal::misbehaved("jose.jwk.member").at(name).expected("a string"))
        })
        .transpose()
}

//! JWK Sets written from SubjectPublicKeyInfo.

use crate::base64url::encode;
use crate::json::{Object, Value};
use crate::jwk::{EC_PUBLIC_KEY, ED25519, P256, P384, RSA_ENCRYPTION};
use pkcs1::der::Decode;
use postern_refusal::Refusal;
use postern_signature::Algorithm;
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

/// A key as a JWK Set publishes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKey<'a> {
    /// `kid`.
    pub key_id: &'a str,
    /// `alg`.
    pub algorithm: Algorithm,
    /// SubjectPublicKeyInfo, DER.
    pub spki: &'a [u8],
}

/// The JWK Set of the keys (RFC 7517 section 5) as JSON.
///
/// # Errors
/// `jose.key.unreadable` (ours): a key that is not RSA, P-256, P-384 or Ed25519.
pub fn write_key_set(keys: &[PublishedKey<'_>]) -> Result<String, Refusal> {
    let keys = keys.iter().map(write_key).collect::<Result<Vec<Value>, Refusal>>()?;
    let mut set = Object::new();
    set.insert("keys".into(), Value::Array(keys));
    Ok(Value::Object(set).to_string())
}

fn write_key(key: &PublishedKey<'_>) -> Result<Value, Refusal> {
    let unreadable = || Refusal::internal("jose.key.unreadable").at(key.key_id);
    let info = SubjectPublicKeyInfoRef::from_der(key.spki).map_err(|_| unreadable())?;
    let bytes = info.subject_public_key.as_bytes().ok_or_else(unreadable)?;
    let mut members = match info.algorithm.oid {
        RSA_ENCRYPTION => rsa(bytes).ok_or_else(unreadable)?,
        EC_PUBLIC_KEY => {
            let curve = info.algorithm.parameters_oid().map_err(|_| unreadable())?;
            ec(curve, bytes).ok_or_else(unreadable)?
        }
        ED25519 => vec![("kty", "OKP".into()), ("crv", "Ed25519".into()), ("x", encode(bytes))],
        _ => return Err(unreadable()),
    };
    members.extend([
        ("kid", key.key_id.to_owned()),
        ("alg", key.algorithm.jwa_name().to_owned()),
        ("use", "sig".to_owned()),
    ]);
    Ok(Value::Object(members.into_iter().map(|(name, value)| (name.into(), value.into())).collect()))
}

type Members = Vec<(&'static str, String)>;

fn rsa(bytes: &[u8]) -> Option<Members> {
    let key = pkcs1::RsaPublicKey::from_der(bytes).ok()?;
    Some(vec![
        ("kty", "RSA".into()),
        ("n", encode(key.modulus.as_bytes())),
        ("e", encode(key.public_exponent.as_bytes())),
    ])
}

fn ec(curve: ObjectIdentifier, bytes: &[u8]) -> Option<Members> {
    let (name, size) = match curve {
        P256 => ("P-256", 32),
        P384 => ("P-384", 48),
        _ => return None,
    };
    let (&4, coordinates) = bytes.split_first()? else { return None };
    let (x, y) = coordinates.split_at_checked(size)?;
    (y.len() == size)
        .then(|| vec![("kty", "EC".into()), ("crv", name.into()), ("x", encode(x)), ("y", encode(y))])
}

//! Keys as COSE writes them (RFC 9052 section 7, RFC 9053, RFC 8230), of the algorithms that there are.

use alloc::vec::Vec;

use postern_refusal::Refusal;
use postern_signature::{Algorithm, PublicKey};
use x509_cert::der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef};
use x509_cert::der::{Encode as _, Tag};
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use crate::cbor::Item;

/// COSE's numbers of the algorithms that are offered, the best first (IANA, COSE Algorithms).
pub const COSE_ALGORITHMS: [(i64, Algorithm); 3] =
    [(-7, Algorithm::Es256), (-8, Algorithm::EdDsa), (-257, Algorithm::Rs256)];

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// 65537: the only exponent that authenticators use.
const EXPONENT: &[u8] = &[1, 0, 1];

/// The algorithm of COSE's number, when it is one of `allowed`.
///
/// # Errors
/// `webauthn.algorithm.not-allowed`.
pub(crate) fn algorithm(number: &Item<'_>, allowed: &[Algorithm]) -> Result<Algorithm, Refusal> {
    let number = match number {
        Item::Negative(value) => i64::try_from(*value).ok().and_then(|value| (-1_i64).checked_sub(value)),
        _ => None,
    };
    let known = COSE_ALGORITHMS.iter().find(|(known, _)| Some(*known) == number);
    known.map(|(_, algorithm)| *algorithm).filter(|algorithm| allowed.contains(algorithm)).ok_or_else(|| {
        let found = number.map(|number| alloc::format!("{number}")).unwrap_or_default();
        Refusal::misbehaved("webauthn.algorithm.not-allowed").at("alg").found(&found)
    })
}

/// The key and what it is for.
///
/// # Errors
/// `webauthn.algorithm.not-allowed`; `webauthn.key.malformed` when the key is not one of its algorithm.
pub(crate) fn read(key: Item<'_>, allowed: &[Algorithm]) -> Result<(Algorithm, PublicKey), Refusal> {
    let Item::Map(members) = &key else { return Err(malformed()) };
    let number = members.iter().find(|(key, _)| *key == Item::Unsigned(3)).map(|(_, value)| value);
    let algorithm = algorithm(number.unwrap_or(&Item::Null), allowed)?;
    let spki = match algorithm {
        Algorithm::Es256 => es256(key),
        Algorithm::EdDsa => ed25519(key),
        Algorithm::Rs256 => rs256(key),
        _ => None,
    };
    Ok((algorithm, PublicKey::from_spki(spki.ok_or_else(malformed)?)))
}

// The labels, in canonical order: kty 1, alg 3, crv -1, x -2, y -3; of RSA n -1, e -2.
const KTY: Item<'static> = Item::Unsigned(1);
const ALG: Item<'static> = Item::Unsigned(3);
const FIRST: Item<'static> = Item::Negative(0);
const SECOND: Item<'static> = Item::Negative(1);
const THIRD: Item<'static> = Item::Negative(2);

fn es256(key: Item<'_>) -> Option<Vec<u8>> {
    let [kty, _, curve, x, y] = key.exactly([&KTY, &ALG, &FIRST, &SECOND, &THIRD])?;
    match (kty, curve, x, y) {
        (Item::Unsigned(2), Item::Unsigned(1), Item::Bytes(x), Item::Bytes(y))
            if x.len() == 32 && y.len() == 32 =>
        {
            let point = [&[4], x, y].concat();
            spki(EC_PUBLIC_KEY, Some((&P_256).into()), &point)
        }
        _ => None,
    }
}

fn ed25519(key: Item<'_>) -> Option<Vec<u8>> {
    let [kty, _, curve, x] = key.exactly([&KTY, &ALG, &FIRST, &SECOND])?;
    match (kty, curve, x) {
        (Item::Unsigned(1), Item::Unsigned(6), Item::Bytes(x)) if x.len() == 32 => spki(ED25519, None, x),
        _ => None,
    }
}

/// 2,048 to 4,096 bits.
fn rs256(key: Item<'_>) -> Option<Vec<u8>> {
    let [kty, _, n, e] = key.exactly([&KTY, &ALG, &FIRST, &SECOND])?;
    let (Item::Unsigned(3), Item::Bytes(n), Item::Bytes(EXPONENT)) = (kty, n, e) else { return None };
    let is_sized = (256..=512).contains(&n.len());
    let is_whole = n.first().is_some_and(|high| *high >= 0x80) && n.last().is_some_and(|low| low & 1 == 1);
    if !is_sized || !is_whole {
        return None;
    }
    // RFC 8017 appendix A.1.1.
    let numbers =
        [UintRef::new(n).ok()?.to_der().ok()?, UintRef::new(EXPONENT).ok()?.to_der().ok()?].concat();
    let key = AnyRef::new(Tag::Sequence, &numbers).ok()?.to_der().ok()?;
    spki(RSA, Some(AnyRef::NULL), &key)
}

fn spki(oid: ObjectIdentifier, parameters: Option<AnyRef<'_>>, key: &[u8]) -> Option<Vec<u8>> {
    let subject_public_key = BitStringRef::from_bytes(key).ok()?;
    let algorithm = AlgorithmIdentifierRef { oid, parameters };
    SubjectPublicKeyInfoRef { algorithm, subject_public_key }.to_der().ok()
}

fn malformed() -> Refusal {
    Refusal::misbehaved("webauthn.key.malformed").at("credentialPublicKey")
}

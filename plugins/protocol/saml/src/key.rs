//! Keys that peers may sign with.
use postern_refusal::Refusal;
use postern_signature::{Algorithm, PublicKey, Verifier, VerifyError};
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{Decode as _, Reader as _, SliceReader};
use x509_cert::spki::SubjectPublicKeyInfoRef;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// Bounds of an RSA modulus in bits. The upper one bounds what a verification costs in the DMZ,
/// where it is that of RustCrypto.
const RSA_BITS: core::ops::RangeInclusive<usize> = 2_048..=4_096;

/// Smallest RSA exponent (FIPS 186-5 section 5.4): with 3 a lax reader of padding lets signatures be
/// forged.
const MIN_EXPONENT: u64 = 65_537;
/// Largest RSA exponent that every verifier here takes: 32 bits.
const MAX_EXPONENT: u64 = u32::MAX as u64;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
}

/// Looks at a SubjectPublicKeyInfo (DER) before it is registered: RSA of 2,048 to 4,096 bits
/// with an odd exponent from 65,537 to 2^32, ECDSA on P-256 or P-384.
///
/// # Errors
/// `saml.key.malformed`, `saml.key.weak`, `saml.key.exponent`, `saml.key.unsupported`.
pub fn check_key(spki: &[u8]) -> Result<(), Refusal> {
    kind(spki).map(|_| ())
}

/// A verifier that is asked only with keys that fit the algorithm, so that every face gives the
/// same reason for the same message.
pub(crate) struct Fitting<'v>(pub(crate) &'v dyn Verifier);

impl Verifier for Fitting<'_> {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let fits = match algorithm {
            Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 | Algorithm::Ps256 => Kind::Rsa,
            Algorithm::Es256 => Kind::P256,
            Algorithm::Es384 => Kind::P384,
            Algorithm::EdDsa => return Err(VerifyError::UnfitKey),
        };
        if kind(key.spki()).ok() != Some(fits) {
            return Err(VerifyError::UnfitKey);
        }
        self.0.verify(algorithm, key, message, signature).map_err(|_| VerifyError::Mismatch)
    }
}

fn kind(spki: &[u8]) -> Result<Kind, Refusal> {
    let wrong = |code, expected| Refusal::configuration(code).with_status(400).expected(expected);
    let malformed = || wrong("saml.key.malformed", "a SubjectPublicKeyInfo");
    let unsupported = |found: ObjectIdentifier| {
        wrong("saml.key.unsupported", "RSA, P-256 or P-384").found(&found.to_string())
    };
    let info = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| malformed())?;
    match info.algorithm.oid {
        RSA => {
            let key = info.subject_public_key.as_bytes().ok_or_else(malformed)?;
            let (bits, exponent) = rsa_numbers(key).map_err(|_| malformed())?;
            if !RSA_BITS.contains(&bits) {
                return Err(wrong("saml.key.weak", "RSA of 2,048 to 4,096 bits").found(&bits.to_string()));
            }
            match exponent {
                Some(exponent) if (MIN_EXPONENT..=MAX_EXPONENT).contains(&exponent) && exponent & 1 == 1 => {
                    Ok(Kind::Rsa)
                }
                other => {
                    let found = other.map_or_else(|| "more than 64 bits".to_owned(), |e| e.to_string());
                    let expected = "an odd RSA exponent from 65537 to 4294967295";
                    Err(wrong("saml.key.exponent", expected).found(&found))
                }
            }
        }
        EC => match info.algorithm.parameters_oid() {
            Ok(P256) => Ok(Kind::P256),
            Ok(P384) => Ok(Kind::P384),
            Ok(other) => Err(unsupported(other)),
            Err(_) => Err(malformed()),
        },
        other => Err(unsupported(other)),
    }
}

/// Bits of the modulus, which is odd, and the exponent, unless it has more than 64 bits.
fn rsa_numbers(key: &[u8]) -> x509_cert::der::Result<(usize, Option<u64>)> {
    let mut reader = SliceReader::new(key)?;
    let numbers = reader.sequence(|rsa| -> x509_cert::der::Result<(usize, Option<u64>)> {
        let modulus = UintRef::decode(rsa)?.as_bytes();
        let exponent = UintRef::decode(rsa)?.as_bytes();
        if modulus.last().is_none_or(|last| last & 1 == 0) {
            return Err(x509_cert::der::Tag::Integer.value_error().into());
        }
        let leading = modulus.first().map_or(0, |byte| byte.leading_zeros());
        let leading = usize::try_from(leading).unwrap_or(0);
        Ok((modulus.len().saturating_mul(8).saturating_sub(leading), number(exponent)))
    })?;
    reader.finish()?;
    Ok(numbers)
}

fn number(big_endian: &[u8]) -> Option<u64> {
    let fits = big_endian.len() <= 8;
    fits.then(|| big_endian.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap();
        let length = match length {
            0..128 => vec![length as u8],
            128..256 => vec![0x81, length as u8],
            _ => [&[0x82], &length.to_be_bytes()[..]].concat(),
        };
        [&[tag], length.as_slice(), content].concat()
    }

    fn code(bits: usize, last: u8, exponent: &[u8]) -> &'static str {
        let mut modulus = vec![0xff; bits.div_ceil(8)];
        modulus[0] >>= (8 - bits % 8) % 8;
        *modulus.last_mut().unwrap() = last;
        let integer = |number: &[u8]| {
            let sign: &[u8] = if number[0] & 0x80 != 0 { &[0] } else { &[] };
            tagged(2, &[sign, number].concat())
        };
        let key = tagged(0x30, &[integer(&modulus), integer(exponent)].concat());
        let algorithm = tagged(0x30, &[tagged(6, RSA.as_bytes()), tagged(5, &[])].concat());
        let spki = tagged(0x30, &[algorithm, tagged(3, &[&[0], key.as_slice()].concat())].concat());
        check_key(&spki).map(|()| "accepted").unwrap_or_else(|refusal| refusal.code)
    }

    #[test]
    fn rsa_keys_are_bounded_on_all_sides() {
        for (bits, expected) in [
            (1_024, "saml.key.weak"),
            (2_047, "saml.key.weak"),
            (2_048, "accepted"),
            (3_072, "accepted"),
            (4_096, "accepted"),
            (4_097, "saml.key.weak"),
            (8_192, "saml.key.weak"),
        ] {
            assert_eq!(code(bits, 0xff, &[1, 0, 1]), expected, "{bits}");
        }
        assert_eq!(code(2_048, 0xfe, &[1, 0, 1]), "saml.key.malformed");
        for (exponent, expected) in [
            (&[1][..], "saml.key.exponent"),
            (&[3], "saml.key.exponent"),
            (&[17], "saml.key.exponent"),
            (&[0xff, 0xff], "saml.key.exponent"),
            (&[1, 0, 0], "saml.key.exponent"),
            (&[1, 0, 1], "accepted"),
            (&[1, 0, 2], "saml.key.exponent"),
            (&[0xff; 4], "accepted"),
            (&[1, 0, 0, 0, 1], "saml.key.exponent"),
            (&[0xff; 9], "saml.key.exponent"),
        ] {
            assert_eq!(code(2_048, 0xff, exponent), expected, "{exponent:?}");
        }
    }
}

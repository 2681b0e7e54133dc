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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
}

/// Looks at a SubjectPublicKeyInfo (DER) before it is registered: RSA of 2,048 to 4,096 bits,
/// ECDSA on P-256 or P-384.
///
/// # Errors
/// `saml.key.malformed`, `saml.key.weak`, `saml.key.unsupported`.
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
            let bits = modulus_bits(key).map_err(|_| malformed())?;
            if RSA_BITS.contains(&bits) {
                Ok(Kind::Rsa)
            } else {
                Err(wrong("saml.key.weak", "RSA of 2,048 to 4,096 bits").found(&bits.to_string()))
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

fn modulus_bits(key: &[u8]) -> x509_cert::der::Result<usize> {
    let mut reader = SliceReader::new(key)?;
    let bits = reader.sequence(|rsa| -> x509_cert::der::Result<usize> {
        let modulus = UintRef::decode(rsa)?;
        let _exponent = UintRef::decode(rsa)?;
        let bytes = modulus.as_bytes();
        let leading = bytes.first().map_or(0, |byte| byte.leading_zeros());
        let leading = usize::try_from(leading).unwrap_or(0);
        Ok(bytes.len().saturating_mul(8).saturating_sub(leading))
    })?;
    reader.finish()?;
    Ok(bits)
}

//! Keys that peers may sign with.
use postern_refusal::Refusal;
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{Decode as _, Reader as _, SliceReader};
use x509_cert::spki::SubjectPublicKeyInfoRef;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// Bounds of an RSA modulus in bits. The upper one bounds what a verification costs.
const RSA_BITS: core::ops::RangeInclusive<usize> = 2_048..=8_192;

/// Looks at a SubjectPublicKeyInfo (DER) before it is registered: RSA of 2,048 to 8,192 bits,
/// ECDSA on P-256 or P-384.
///
/// # Errors
/// `saml.key.malformed`, `saml.key.weak`, `saml.key.unsupported`.
pub fn check_key(spki: &[u8]) -> Result<(), Refusal> {
    let malformed =
        || Refusal::configuration("saml.key.malformed").with_status(400).expected("a SubjectPublicKeyInfo");
    let info = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| malformed())?;
    let unsupported = |found: &str| {
        Refusal::configuration("saml.key.unsupported")
            .with_status(400)
            .expected("RSA, P-256 or P-384")
            .found(found)
    };
    match info.algorithm.oid {
        RSA => {
            let key = info.subject_public_key.as_bytes().ok_or_else(malformed)?;
            let bits = modulus_bits(key).map_err(|_| malformed())?;
            if RSA_BITS.contains(&bits) {
                Ok(())
            } else {
                Err(Refusal::configuration("saml.key.weak")
                    .with_status(400)
                    .expected("RSA of 2,048 to 8,192 bits")
                    .found(&bits.to_string()))
            }
        }
        EC => match info.algorithm.parameters_oid() {
            Ok(P256 | P384) => Ok(()),
            Ok(other) => Err(unsupported(&other.to_string())),
            Err(_) => Err(malformed()),
        },
        other => Err(unsupported(&other.to_string())),
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

//! A certificate as it came, and whose signature is on it.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use postern_signature::{Algorithm, PublicKey, Verifier};
use x509_cert::Certificate;
use x509_cert::certificate::Version;
use x509_cert::der::asn1::{Null, ObjectIdentifier};
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::MAX_DER;
use crate::ecdsa::fixed_ecdsa;

const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const SHA384_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const SHA512_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// RSASSA-PSS-params (RFC 4055 section 3.1) of SHA-256, MGF1 with SHA-256 and a salt of 32 bytes. The parameters of
/// a digest are NULL or absent (section 2.1), each as good as the other; whoever writes one, writes it twice.
const PSS_SHA256: [&[u8]; 2] = [
    &[
        0x30, 0x34, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
        0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08,
        0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa2, 0x03,
        0x02, 0x01, 0x20,
    ],
    &[
        0x30, 0x30, 0xa0, 0x0d, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
        0xa1, 0x1a, 0x30, 0x18, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0b,
        0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0xa2, 0x03, 0x02, 0x01, 0x20,
    ],
];

/// DER that is its own normal form: what is signed is what was read.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) certificate: Certificate,
    /// Of the TBSCertificate, as it came.
    message: Vec<u8>,
}

/// Why it is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    TooLarge,
    /// What was expected.
    Malformed(&'static str),
}

impl Signed {
    pub(crate) fn read(der: &[u8]) -> Result<Self, Unreadable> {
        if der.len() > MAX_DER {
            return Err(Unreadable::TooLarge);
        }
        let malformed = |_| Unreadable::Malformed("DER of an X.509 certificate");
        let certificate = Certificate::from_der(der).map_err(malformed)?;
        // Whoever takes BER, too, would see the same. Nobody has to.
        if certificate.to_der().map_err(malformed)? != der {
            return Err(Unreadable::Malformed("DER in its normal form"));
        }
        if certificate.tbs_certificate().version() != Version::V3 {
            return Err(Unreadable::Malformed("version 3"));
        }
        if certificate.signature_algorithm() != certificate.tbs_certificate().signature() {
            return Err(Unreadable::Malformed("one signature algorithm in both places"));
        }
        let message = certificate.tbs_certificate().to_der().map_err(malformed)?;
        Ok(Self { certificate, message })
    }

    /// RFC 5758 section 3.2, RFC 4055 section 5, RFC 8410 section 3, each with its own parameters; `None`: it is
    /// signed in another way.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        let AlgorithmIdentifierOwned { oid, parameters } = self.certificate.signature_algorithm();
        match (*oid, parameters) {
            (ECDSA_WITH_SHA256, None) => Some(Algorithm::Es256),
            (ECDSA_WITH_SHA384, None) => Some(Algorithm::Es384),
            (ED25519, None) => Some(Algorithm::EdDsa),
            (RSASSA_PSS, Some(parameters)) => {
                let parameters = parameters.to_der().ok()?;
                PSS_SHA256.contains(&parameters.as_slice()).then_some(Algorithm::Ps256)
            }
            (oid, Some(parameters)) if Null::try_from(parameters).is_ok() => match oid {
                SHA256_WITH_RSA => Some(Algorithm::Rs256),
                SHA384_WITH_RSA => Some(Algorithm::Rs384),
                SHA512_WITH_RSA => Some(Algorithm::Rs512),
                _ => None,
            },
            _ => None,
        }
    }

    /// Its own key.
    pub(crate) fn key(&self) -> Option<PublicKey> {
        let spki = self.certificate.tbs_certificate().subject_public_key_info().to_der().ok()?;
        Some(PublicKey::from_spki(spki))
    }

    /// Whether the signature on it is one of this key.
    pub(crate) fn is_signed_with(&self, key: &PublicKey, verifier: &dyn Verifier) -> bool {
        let (Some(algorithm), Some(signature)) = (self.algorithm(), self.certificate.signature().as_bytes())
        else {
            return false;
        };
        let signature = match algorithm {
            Algorithm::Es256 => fixed_ecdsa(signature, 32).map(Cow::Owned),
            Algorithm::Es384 => fixed_ecdsa(signature, 48).map(Cow::Owned),
            _ => Some(Cow::Borrowed(signature)),
        };
        signature.is_some_and(|signature| verifier.verify(algorithm, key, &self.message, &signature).is_ok())
    }

    /// Seconds since 1970: the first and the last at which it is valid (RFC 5280 section 4.1.2.5).
    pub(crate) fn validity(&self) -> (u64, u64) {
        let validity = self.certificate.tbs_certificate().validity();
        (validity.not_before.to_unix_duration().as_secs(), validity.not_after.to_unix_duration().as_secs())
    }
}

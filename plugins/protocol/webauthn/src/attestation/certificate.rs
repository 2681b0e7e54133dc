//! Attestation certificates: section 8.2.1, and the way from the leaf to a trust anchor (RFC 5280
//! section 6, as far as authenticators use it).

use alloc::vec::Vec;

use postern_refusal::Refusal;
use postern_signature::{Algorithm, PublicKey, Verifier};
use x509_cert::Certificate;
use x509_cert::certificate::Version;
use x509_cert::der::asn1::{ObjectIdentifier, OctetStringRef};
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::BasicConstraints;

use super::Trust;
use crate::ecdsa;

const COUNTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// id-fido-gen-ce-aaguid.
const AAGUID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.45724.1.1.4");
/// Signature algorithms of certificates: RFC 5758 section 3.2, RFC 4055 section 5, RFC 8410.
const SIGNATURES: [(ObjectIdentifier, Algorithm); 3] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), Algorithm::Es256),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"), Algorithm::Rs256),
    (ObjectIdentifier::new_unwrap("1.3.101.112"), Algorithm::EdDsa),
];

/// The certificates of an x5c, the leaf first.
pub(super) struct Chain<'c>(Vec<One<'c>>);

pub(super) struct One<'c> {
    der: &'c [u8],
    certificate: Certificate,
}

impl<'c> Chain<'c> {
    pub(super) fn read(certificates: &[&'c [u8]]) -> Result<Self, Refusal> {
        certificates.iter().map(|der| One::read(der)).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn leaf(&self) -> Option<&One<'c>> {
        self.0.first()
    }

    /// Each certificate is signed by the next one, and the last by an anchor or is one itself. All are
    /// valid now.
    pub(super) fn check_trust(&self, trust: &Trust<'_>, verifier: &dyn Verifier) -> Result<(), Refusal> {
        if !self.0.iter().all(|one| one.is_valid_at(trust.now)) {
            return Err(untrusted());
        }
        for (index, one) in self.0.iter().enumerate() {
            if trust.anchors.iter().any(|anchor| anchor == one.der) {
                return Ok(());
            }
            for anchor in trust.anchors {
                let anchor =
                    One::read(anchor).map_err(|_| Refusal::configuration("webauthn.anchor.malformed"))?;
                if anchor.has_signed(one, index, verifier) {
                    return Ok(());
                }
            }
            let next = index.checked_add(1).and_then(|next| self.0.get(next));
            if !next.is_some_and(|next| next.has_signed(one, index, verifier)) {
                return Err(untrusted());
            }
        }
        Err(untrusted())
    }
}

impl<'c> One<'c> {
    fn read(der: &'c [u8]) -> Result<Self, Refusal> {
        let certificate = Certificate::from_der(der).map_err(|_| wrong("DER of X.509"))?;
        Ok(Self { der, certificate })
    }

    pub(super) fn key(&self) -> Result<PublicKey, Refusal> {
        let spki = self.certificate.tbs_certificate().subject_public_key_info().to_der();
        Ok(PublicKey::from_spki(spki.map_err(|_| wrong("a public key"))?))
    }

    /// Section 8.2.1.
    pub(super) fn check_requirements(&self, aaguid: &[u8; 16]) -> Result<(), Refusal> {
        let tbs = self.certificate.tbs_certificate();
        if tbs.version() != Version::V3 {
            return Err(wrong("version 3"));
        }
        let values = |oid: ObjectIdentifier| -> Vec<&[u8]> {
            tbs.subject().iter().filter(|one| one.oid == oid).map(|one| one.value.value()).collect()
        };
        let country = values(COUNTRY);
        if !matches!(country.as_slice(), [code] if code.len() == 2 && code.iter().all(u8::is_ascii_uppercase))
        {
            return Err(wrong("a country of two letters"));
        }
        if values(ORGANIZATION).iter().all(|name| name.is_empty()) {
            return Err(wrong("an organisation"));
        }
        if values(UNIT).as_slice() != [b"Authenticator Attestation".as_slice()] {
            return Err(wrong("the unit Authenticator Attestation"));
        }
        if values(COMMON_NAME).iter().all(|name| name.is_empty()) {
            return Err(wrong("a common name"));
        }
        match self.basic_constraints() {
            Some(constraints) if !constraints.ca => {}
            _ => return Err(wrong("basic constraints, and no CA")),
        }
        let extensions = tbs.extensions().map(Vec::as_slice).unwrap_or_default();
        for extension in extensions.iter().filter(|extension| extension.extn_id == AAGUID) {
            let value = <&OctetStringRef>::from_der(extension.extn_value.as_bytes());
            let is_same = value.is_ok_and(|value| value.as_bytes() == aaguid);
            if extension.critical || !is_same {
                return Err(wrong("the AAGUID of the authenticator data"));
            }
        }
        Ok(())
    }

    fn basic_constraints(&self) -> Option<BasicConstraints> {
        let found = self.certificate.tbs_certificate().get_extension::<BasicConstraints>().ok()?;
        found.map(|(_, constraints)| constraints)
    }

    fn is_valid_at(&self, now: u64) -> bool {
        let validity = self.certificate.tbs_certificate().validity();
        let (from, until) = (validity.not_before, validity.not_after);
        (from.to_unix_duration().as_secs()..=until.to_unix_duration().as_secs()).contains(&now)
    }

    /// Whether this is an authority that has issued `other`, which has so many certificates below it.
    fn has_signed(&self, other: &One<'_>, below: usize, verifier: &dyn Verifier) -> bool {
        let (own, issued) = (self.certificate.tbs_certificate(), other.certificate.tbs_certificate());
        let allows = |constraints: BasicConstraints| {
            constraints.ca && constraints.path_len_constraint.is_none_or(|most| below <= usize::from(most))
        };
        if own.subject() != issued.issuer() || !self.basic_constraints().is_some_and(allows) {
            return false;
        }
        let used = other.certificate.signature_algorithm();
        if used != issued.signature() {
            return false;
        }
        let algorithm = SIGNATURES.iter().find(|(oid, _)| *oid == used.oid).map(|(_, algorithm)| *algorithm);
        let (Some(algorithm), Ok(message), Some(signature), Ok(key)) =
            (algorithm, issued.to_der(), other.certificate.signature().as_bytes(), self.key())
        else {
            return false;
        };
        ecdsa::verifies(verifier, algorithm, &key, &message, signature)
    }
}

fn wrong(expected: &str) -> Refusal {
    Refusal::misbehaved("webauthn.attestation.certificate").at("x5c").expected(expected)
}

pub(super) fn untrusted() -> Refusal {
    Refusal::misbehaved("webauthn.attestation.untrusted").at("x5c").expected("a trust anchor above it")
}

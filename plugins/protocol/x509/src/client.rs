//! The certificate that a client has shown.

use postern_refusal::Refusal;
use postern_signature::Verifier;
use sha2::{Digest as _, Sha256};

use crate::MAX_DER;
use crate::extensions::{Extensions, Wrong};
use crate::name::{self, NameKind};
use crate::path::{self, Trust, Vouched};
use crate::signed::{Signed, Unreadable};

/// Well-formed, of a person and not of an authority, for clients. Nobody has vouched for it yet.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    pub(crate) signed: Signed,
    extensions: Extensions,
    fingerprint: [u8; 32],
}

impl ClientCertificate {
    /// Reads its DER, 16 KiB at most.
    ///
    /// # Errors
    /// `certificate.too-large`, `certificate.malformed`, `certificate.extension.twice`,
    /// `certificate.extension.malformed`, `certificate.extension.critical`, `certificate.name-constraints`,
    /// `certificate.algorithm.unknown`, `certificate.authority.shown`, `certificate.key-usage`,
    /// `certificate.purpose`.
    pub fn read(der: &[u8]) -> Result<Self, Refusal> {
        let signed = Signed::read(der).map_err(|unreadable| match unreadable {
            Unreadable::TooLarge => Refusal::misbehaved("certificate.too-large")
                .expected(&alloc::format!("at most {MAX_DER} bytes")),
            Unreadable::Malformed(expected) => {
                Refusal::misbehaved("certificate.malformed").expected(expected)
            }
        })?;
        let extensions = Extensions::read(&signed.certificate).map_err(|wrong| match wrong {
            Wrong::Twice => Refusal::misbehaved("certificate.extension.twice"),
            Wrong::Malformed => Refusal::misbehaved("certificate.extension.malformed"),
            Wrong::Critical => Refusal::incompatible("certificate.extension.critical"),
            Wrong::NameConstraints => Refusal::misbehaved("certificate.name-constraints")
                .expected("name constraints in authorities alone (RFC 5280 section 4.2.1.10)"),
        })?;
        if signed.algorithm().is_none() {
            return Err(Refusal::incompatible("certificate.algorithm.unknown")
                .expected("ECDSA or RSA (PKCS #1) with SHA-256, or Ed25519")
                .found(&alloc::format!("{}", signed.certificate.signature_algorithm().oid)));
        }
        if extensions.is_authority() {
            return Err(
                Refusal::misbehaved("certificate.authority.shown").expected("the certificate of a person")
            );
        }
        if extensions.key_usage.is_some_and(|usage| !usage.digital_signature() || usage.key_cert_sign()) {
            return Err(
                Refusal::misbehaved("certificate.key-usage").expected("digitalSignature, no keyCertSign")
            );
        }
        if !extensions.names_clients() {
            return Err(Refusal::misbehaved("certificate.purpose").expected("id-kp-clientAuth"));
        }
        Ok(Self { signed, extensions, fingerprint: Sha256::digest(der).into() })
    }

    /// SHA-256 of its DER.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// Whether a trust anchor stands for it now, over three authorities at most (RFC 5280 section 6.1, without
    /// policies and name constraints).
    ///
    /// # Errors
    /// `certificate.not-yet-valid`, `certificate.expired`, `certificate.issuer.unknown`,
    /// `certificate.signature.wrong`, `certificate.path-length`, `certificate.authority.expired`.
    pub fn judge(&self, trust: &Trust<'_>, verifier: &dyn Verifier) -> Result<Vouched, Refusal> {
        let (from, until) = self.signed.validity();
        if trust.now < from {
            return Err(Refusal::misbehaved("certificate.not-yet-valid"));
        }
        if trust.now > until {
            return Err(Refusal::misbehaved("certificate.expired"));
        }
        path::find(&self.signed, trust, verifier)
    }

    /// What it calls its holder.
    ///
    /// # Errors
    /// `certificate.name.missing`, `certificate.name.several`, `certificate.name.malformed`.
    pub fn name(&self, kind: NameKind) -> Result<alloc::string::String, Refusal> {
        name::name(self.signed.certificate.tbs_certificate().subject(), &self.extensions.names, kind)
    }
}

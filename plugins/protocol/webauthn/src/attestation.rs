//! Attestation objects (section 6.5.4) of the formats `none` (section 8.7) and `packed` (section 8.2).

mod certificate;

use alloc::vec::Vec;

use postern_refusal::Refusal;
use postern_signature::{Algorithm, PublicKey, Verifier};

use crate::cbor::{self, Item};
use crate::{cose_key, ecdsa};
use certificate::Chain;

/// Most certificates of an x5c.
const CERTIFICATES: usize = 5;

/// Whom to believe about authenticators.
#[derive(Clone, Copy, Debug)]
pub struct Trust<'t> {
    /// DER of certificates. Empty: trust is not judged, and any authenticator will do.
    pub anchors: &'t [Vec<u8>],
    /// Seconds since 1970-01-01T00:00:00Z.
    pub now: u64,
}

/// What is known of the authenticator: section 6.5.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attested {
    /// Nothing.
    None,
    /// The key has signed for itself.
    Itself,
    /// A certificate vouches for it, and nobody judged the certificate.
    Certificate,
    /// A certificate below a trust anchor vouches for it.
    Trusted,
}

pub(crate) struct AttestationObject<'o> {
    pub(crate) authenticator_data: &'o [u8],
    statement: Statement<'o>,
}

enum Statement<'o> {
    None,
    Packed { number: Item<'o>, signature: &'o [u8], certificates: Vec<&'o [u8]> },
}

/// What a statement is about.
pub(crate) struct Subject<'s> {
    pub(crate) aaguid: &'s [u8; 16],
    pub(crate) algorithm: Algorithm,
    pub(crate) key: &'s PublicKey,
    pub(crate) algorithms: &'s [Algorithm],
    pub(crate) client_data_hash: &'s [u8; 32],
}

impl<'o> AttestationObject<'o> {
    /// # Errors
    /// `webauthn.attestation.malformed`, `webauthn.attestation.format`, `webauthn.cbor.*`.
    pub(crate) fn read(bytes: &'o [u8]) -> Result<Self, Refusal> {
        let members = [&Item::Text("fmt"), &Item::Text("attStmt"), &Item::Text("authData")];
        let Some([Item::Text(format), statement, Item::Bytes(authenticator_data)]) =
            cbor::whole(bytes)?.exactly(members)
        else {
            return Err(malformed());
        };
        let statement = match format {
            "none" => match statement {
                Item::Map(members) if members.is_empty() => Statement::None,
                _ => return Err(malformed()),
            },
            "packed" => packed(statement).ok_or_else(malformed)?,
            other => {
                return Err(Refusal::incompatible("webauthn.attestation.format")
                    .at("fmt")
                    .expected("none or packed")
                    .found(other));
            }
        };
        Ok(Self { authenticator_data, statement })
    }

    /// # Errors
    /// `webauthn.attestation.mismatch`, `webauthn.attestation.certificate`,
    /// `webauthn.attestation.untrusted`, `webauthn.algorithm.not-allowed`.
    pub(crate) fn verify(
        &self,
        subject: &Subject<'_>,
        trust: &Trust<'_>,
        verifier: &dyn Verifier,
    ) -> Result<Attested, Refusal> {
        let attested = match &self.statement {
            Statement::None => Attested::None,
            Statement::Packed { number, signature, certificates } => {
                let algorithm = cose_key::algorithm(number, subject.algorithms)?;
                let message = [self.authenticator_data, subject.client_data_hash].concat();
                let chain = Chain::read(certificates)?;
                let is_good = match chain.leaf() {
                    None => {
                        algorithm == subject.algorithm
                            && ecdsa::verifies(verifier, algorithm, subject.key, &message, signature)
                    }
                    Some(leaf) => {
                        leaf.check_requirements(subject.aaguid)?;
                        ecdsa::verifies(verifier, algorithm, &leaf.key()?, &message, signature)
                    }
                };
                if !is_good {
                    return Err(Refusal::misbehaved("webauthn.attestation.mismatch").at("sig"));
                }
                match chain.leaf() {
                    None => Attested::Itself,
                    Some(_) if trust.anchors.is_empty() => Attested::Certificate,
                    Some(_) => {
                        chain.check_trust(trust, verifier)?;
                        Attested::Trusted
                    }
                }
            }
        };
        if !trust.anchors.is_empty() && attested != Attested::Trusted {
            return Err(certificate::untrusted());
        }
        Ok(attested)
    }
}

fn packed(statement: Item<'_>) -> Option<Statement<'_>> {
    let (alg, sig, x5c) = (Item::Text("alg"), Item::Text("sig"), Item::Text("x5c"));
    if let Some([number, Item::Bytes(signature)]) = statement.clone().exactly([&alg, &sig]) {
        return Some(Statement::Packed { number, signature, certificates: Vec::new() });
    }
    let [number, Item::Bytes(signature), Item::Array(items)] = statement.exactly([&alg, &sig, &x5c])? else {
        return None;
    };
    if items.is_empty() || items.len() > CERTIFICATES {
        return None;
    }
    let mut certificates = Vec::new();
    for item in items {
        let Item::Bytes(one) = item else { return None };
        certificates.push(one);
    }
    Some(Statement::Packed { number, signature, certificates })
}

fn malformed() -> Refusal {
    Refusal::misbehaved("webauthn.attestation.malformed").at("attestationObject")
}
